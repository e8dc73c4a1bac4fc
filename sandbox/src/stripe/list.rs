//! Lists, newest first, and `expand`.

use serde_json::{Value, json};

use super::error::Refusal;
use super::form::Params;
use super::store::{Book, Ctx, Kind, Outcome};

/// What every list takes.
pub(super) const PARAMS: &[&str] = &["created", "ending_before", "expand", "limit", "starting_after"];

/// The deepest that `expand` goes.
const DEEPEST: usize = 4;

/// A page of the objects whose fields equal the parameters named in `equal`.
pub(super) fn list(ctx: &Ctx<'_>, kind: Kind, url: &str, equal: &[&str]) -> Outcome {
    list_where(ctx, kind, url, equal, |_| true)
}

/// The same, of those that `keep` keeps.
pub(super) fn list_where(
    ctx: &Ctx<'_>,
    kind: Kind,
    url: &str,
    equal: &[&str],
    keep: impl Fn(&Value) -> bool,
) -> Outcome {
    let params = &ctx.params;
    let limit = limit(params)?;
    let mut wanted = Vec::new();
    for name in equal {
        if let Some(text) = params.text(name)? {
            wanted.push((*name, text));
        }
    }
    let created = created(params)?;
    let fits = |object: &&Value| {
        object["deleted"] != true
            && wanted.iter().all(|(name, text)| is(&object[*name], text))
            && created.iter().all(|bound| bound.holds(object["created"].as_i64().unwrap_or(0)))
            && keep(object)
    };
    let place = |name: &str| -> Result<Option<usize>, Refusal> {
        let Some(id) = params.text(name)? else { return Ok(None) };
        ctx.book.place(kind, id).map(Some).ok_or_else(|| Refusal::absent(kind.name(), id, name))
    };
    let rows = ctx.book.rows(kind);
    let (mut data, has_more): (Vec<&Value>, bool) = match (place("starting_after")?, place("ending_before")?) {
        (Some(_), Some(_)) => {
            let message = "You cannot specify both `starting_after` and `ending_before`.";
            return Err(Refusal::about("starting_after", message).unsaved());
        }
        (None, Some(before)) => {
            // The page next to the cursor: oldest first here, turned round below.
            let mut page: Vec<&Value> = rows[before + 1..].iter().filter(fits).take(limit + 1).collect();
            let more = page.len() > limit;
            page.truncate(limit);
            page.reverse();
            (page, more)
        }
        (after, None) => {
            let older = &rows[..after.unwrap_or(rows.len())];
            let page: Vec<&Value> = older.iter().rev().filter(fits).take(limit + 1).collect();
            let more = page.len() > limit;
            (page, more)
        }
    };
    data.truncate(limit);
    Ok(json!({ "object": "list", "data": data, "has_more": has_more, "url": url }))
}

pub(super) fn limit(params: &Params<'_>) -> Result<usize, Refusal> {
    let limit = params.within("limit", 1, 100)?.unwrap_or(10);
    Ok(usize::try_from(limit).unwrap_or(10))
}

fn is(value: &Value, text: &str) -> bool {
    match value {
        Value::String(own) => own == text,
        Value::Bool(own) => own.to_string() == text,
        _ => false,
    }
}

enum Bound {
    At(i64),
    Over(i64),
    From(i64),
    Under(i64),
    To(i64),
}

impl Bound {
    fn holds(&self, at: i64) -> bool {
        match self {
            Self::At(bound) => at == *bound,
            Self::Over(bound) => at > *bound,
            Self::From(bound) => at >= *bound,
            Self::Under(bound) => at < *bound,
            Self::To(bound) => at <= *bound,
        }
    }
}

fn created(params: &Params<'_>) -> Result<Vec<Bound>, Refusal> {
    if !params.has("created") {
        return Ok(Vec::new());
    }
    if params.raw("created").is_ok() {
        return Ok(params.integer("created")?.map(Bound::At).into_iter().collect());
    }
    let Some(range) = params.nested("created")? else { return Ok(Vec::new()) };
    range.only(&["gt", "gte", "lt", "lte"])?;
    let bounds = [
        range.integer("gt")?.map(Bound::Over),
        range.integer("gte")?.map(Bound::From),
        range.integer("lt")?.map(Bound::Under),
        range.integer("lte")?.map(Bound::To),
    ];
    Ok(bounds.into_iter().flatten().collect())
}

/// Puts objects in place of the ids that `expand` names.
pub(super) fn expand(book: &Book, params: &Params<'_>, object: &mut Value) -> Result<(), Refusal> {
    for path in params.texts("expand")? {
        let parts: Vec<&str> = path.split('.').collect();
        let within = if object["object"] == "list" || object["object"] == "search_result" {
            match parts.split_first() {
                Some((&"data", rest)) if !rest.is_empty() => rest,
                _ => {
                    let message = format!(
                        "This property cannot be expanded ({path}). You may want to try expanding 'data.{path}' instead."
                    );
                    return Err(Refusal::about("expand", message));
                }
            }
        } else {
            &parts[..]
        };
        if within.len() > DEEPEST {
            let message = format!("You cannot expand more than {DEEPEST} levels of a property ({path}).");
            return Err(Refusal::about("expand", message));
        }
        if object["object"] == "list" || object["object"] == "search_result" {
            for element in object["data"].as_array_mut().into_iter().flatten() {
                follow(book, element, within, path)?;
            }
        } else {
            follow(book, object, within, path)?;
        }
    }
    Ok(())
}

fn follow(book: &Book, object: &mut Value, parts: &[&str], path: &str) -> Result<(), Refusal> {
    let [part, rest @ ..] = parts else { return Ok(()) };
    if let Some(elements) = object.as_array_mut() {
        return elements.iter_mut().try_for_each(|element| follow(book, element, parts, path));
    }
    let Some(map) = object.as_object_mut() else { return Ok(()) };
    if let Some(hidden) = map.remove(&format!("_{part}")) {
        map.insert((*part).to_owned(), hidden);
    }
    let Some(value) = map.get_mut(*part) else {
        return Err(Refusal::about("expand", format!("This property cannot be expanded ({path}).")));
    };
    if let Some(found) = value.as_str().and_then(|id| book.find(id)) {
        *value = found.clone();
    } else if value.is_string() && rest.is_empty() {
        return Err(Refusal::about("expand", format!("This property cannot be expanded ({path}).")));
    }
    follow(book, value, rest, path)
}
