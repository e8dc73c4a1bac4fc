//! Twilio's two ways of paging: relative `…_uri` in the 2010 API, `meta` with absolute `…_url` in the newer ones.

use hyper::StatusCode;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::error::ApiError;
use crate::exchange::{Answer, Pairs, Request};

/// How many a page holds unless asked otherwise.
const PAGE_SIZE: usize = 50;
const LARGEST_PAGE: usize = 1000;

/// What a list request asks for.
pub(super) struct Paging<'a> {
    path: &'a str,
    /// The query without the paging parameters, encoded: it stands in every link.
    filters: String,
    pub(super) size: usize,
    page: usize,
    pub(super) token: Option<String>,
}

impl<'a> Paging<'a> {
    pub(super) fn of(request: &'a Request, query: &Pairs<'_>) -> Result<Self, ApiError> {
        let number = |name: &str| {
            query
                .filled(name)
                .map(|text| text.parse().map_err(|_| ApiError::bad(20001, format!("{name} is not a number"))))
                .transpose()
        };
        let size: Option<usize> = number("PageSize")?;
        if size == Some(0) {
            return Err(ApiError::bad(20006, "PageSize must be at least 1"));
        }
        let mut filters = form_urlencoded::Serializer::new(String::new());
        for (name, value) in query.iter().filter(|(name, _)| !matches!(*name, "PageSize" | "Page" | "PageToken")) {
            filters.append_pair(name, value);
        }
        Ok(Self {
            path: request.path(),
            filters: filters.finish(),
            size: size.unwrap_or(PAGE_SIZE).min(LARGEST_PAGE),
            page: number("Page")?.unwrap_or(0),
            token: query.filled("PageToken").map(str::to_owned),
        })
    }

    /// How many items to pass over: only a page asked for by number alone starts in the middle.
    pub(super) fn skip(&self) -> usize {
        if self.token.is_some() { 0 } else { self.page.saturating_mul(self.size) }
    }

    fn link(&self, page: usize, token: Option<&str>) -> String {
        let Self { path, filters, size, .. } = self;
        let joint = if filters.is_empty() { "" } else { "&" };
        let mut link = format!("{path}?{filters}{joint}PageSize={size}&Page={page}");
        if let Some(token) = token {
            link.push_str("&PageToken=");
            link.push_str(token);
        }
        link
    }

    /// A page of the 2010 API. `next` is the token of the next page if there is one.
    pub(super) fn legacy(&self, key: &str, items: Vec<Value>, next: Option<String>) -> Answer {
        let start = self.page * self.size;
        let end = (start + items.len()).saturating_sub(1).max(start);
        let mut body = Map::new();
        body.insert("first_page_uri".to_owned(), self.link(0, None).into());
        body.insert("end".to_owned(), end.into());
        body.insert("previous_page_uri".to_owned(), self.previous());
        body.insert(key.to_owned(), items.into());
        body.insert("uri".to_owned(), self.link(self.page, self.token.as_deref()).into());
        body.insert("page_size".to_owned(), self.size.into());
        body.insert("start".to_owned(), start.into());
        body.insert("next_page_uri".to_owned(), next.map(|token| self.link(self.page + 1, Some(&token))).into());
        body.insert("page".to_owned(), self.page.into());
        Answer::json(StatusCode::OK, &body)
    }

    /// A page of the newer APIs; `base` is the address in front of the path.
    pub(super) fn modern(&self, base: &str, key: &str, items: Vec<Value>, next: Option<String>) -> Answer {
        let absolute = |link: String| format!("{base}{link}");
        let previous = match self.previous() {
            Value::String(link) => absolute(link).into(),
            none => none,
        };
        let mut body = Map::new();
        body.insert(key.to_owned(), items.into());
        body.insert(
            "meta".to_owned(),
            json!({
                "page": self.page,
                "page_size": self.size,
                "first_page_url": absolute(self.link(0, None)),
                "previous_page_url": previous,
                "url": absolute(self.link(self.page, self.token.as_deref())),
                "next_page_url": next.map(|token| absolute(self.link(self.page + 1, Some(&token)))),
                "key": key,
            }),
        );
        Answer::json(StatusCode::OK, &body)
    }

    /// The link back. It goes by number: tokens only lead forward.
    fn previous(&self) -> Value {
        self.page.checked_sub(1).map(|page| self.link(page, None)).into()
    }

    /// Cuts one page out of a short list, whose tokens are positions.
    pub(super) fn slice<T>(&self, items: impl Iterator<Item = T>) -> (Vec<T>, Option<String>) {
        let start = self.token.as_deref().and_then(|token| token.parse().ok()).unwrap_or_else(|| self.skip());
        let mut rest = items.skip(start);
        let page: Vec<T> = rest.by_ref().take(self.size).collect();
        let next = rest.next().map(|_| (start + page.len()).to_string());
        (page, next)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hyper::{HeaderMap, Method};

    use super::*;

    fn request(uri: &str) -> Request {
        let (method, headers, body) = (Method::GET, HeaderMap::new(), Bytes::new());
        Request { method, uri: uri.parse().unwrap(), headers, body, at: 0 }
    }

    fn page(uri: &str, of: usize) -> (Vec<usize>, Value) {
        let request = request(uri);
        let query = request.query();
        let paging = Paging::of(&request, &query).unwrap();
        let (items, next) = paging.slice(0..of);
        let answer = paging.legacy("items", items.iter().map(|item| json!(item)).collect(), next);
        (items, serde_json::from_slice(&answer.body).unwrap())
    }

    #[test]
    fn links_lead_through_all_items_once_and_keep_the_filters() {
        let mut uri = "/List.json?DateSent%3E=2026-01-02&PageSize=3".to_owned();
        let mut seen = Vec::new();
        loop {
            let (items, body) = page(&uri, 8);
            seen.extend(items);
            let Some(next) = body["next_page_uri"].as_str() else {
                break;
            };
            assert!(next.starts_with("/List.json?DateSent%3E=2026-01-02&PageSize=3&Page="), "{next}");
            uri = next.to_owned();
        }
        assert_eq!(seen, (0..8).collect::<Vec<_>>());
    }

    #[test]
    fn a_full_last_page_has_no_next() {
        let (items, body) = page("/List.json?PageSize=4&Page=1", 8);
        assert_eq!(items, [4, 5, 6, 7]);
        assert_eq!(body["next_page_uri"], Value::Null);
        assert_eq!(body["previous_page_uri"], "/List.json?PageSize=4&Page=0");
        assert_eq!((body["start"].as_u64(), body["end"].as_u64()), (Some(4), Some(7)));
    }

    #[test]
    fn sizes_are_bounded() {
        let huge = request("/List.json?PageSize=5000");
        assert_eq!(Paging::of(&huge, &huge.query()).unwrap().size, 1000);
        let none = request("/List.json?PageSize=0");
        assert!(Paging::of(&none, &none.query()).is_err());
        let word = request("/List.json?PageSize=many");
        assert!(Paging::of(&word, &word.query()).is_err());
    }
}
