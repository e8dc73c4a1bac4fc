//! Lists of files. <https://developers.google.com/workspace/drive/api/reference/rest/v3/files/list>

use super::{
    super::{
        GoogleWorkspace,
        define::{check_address, check_page, operation, page},
        scopes,
        wire::{check_moment, drive},
    },
    files::{check_fields, check_folder, for_all_drives, with_fields},
    objects::{FILE, File},
    query::Query,
};
use crate::{error::Result, providers::Call};

page! {
    /// A page of files.
    FilePage {
        files: File,
        /// Whether Drive has not looked everywhere, and more may be there: ask for one `driveId` at a time.
        incomplete_search: bool,
    }
    for ListFiles for SearchFiles
}

operation! {
    /// Lists files: those of a folder, of a shared drive, or all that the user sees. Without the bin's. Where Drive has not
    /// looked into all shared drives, the page says `incompleteSearch`, which a stream of the files does not.
    ///
    /// <https://developers.google.com/workspace/drive/api/reference/rest/v3/files/list>. Access `read`.
    ///
    /// Example: `{"folderId": "0AFolderOfTheSchool", "orderBy": "folder,name", "pageSize": 50}`
    ListFiles = "listFiles", Read, Always -> FilePage,
    scopes scopes::FILES,
    discloses {}
    path {}
    required {}
    optional {
        /// The folder.
        folder_id: String,
        /// The shared drive.
        drive_id: String,
        /// Whether what is in the bin is listed too.
        include_trashed: bool,
        /// By what it is sorted, with commas between: `folder`, `name`, `modifiedTime desc`.
        order_by: String,
        /// Members to be read beside the usual, as Drive names them.
        fields: Vec<String>,
        /// How many, 1 to 1000; Google's default is 100.
        page_size: u32,
        /// The `nextPageToken` of the page before; everything else stays as it was.
        page_token: String,
    }
    check |this| {
        check_folder(this.folder_id.as_deref())?;
        check_fields(this.fields.as_deref())?;
        check_page("pageSize", this.page_size, 1000)?;
    }
    run |this, call| {
        let query = bin(Query::default().and_in(this.folder_id.as_deref()), this.include_trashed);
        let asked = Asked {
            q: query.text(),
            drive_id: this.drive_id.as_deref(),
            order_by: this.order_by.as_deref(),
            fields: this.fields.as_deref(),
            page_size: this.page_size,
            page_token: this.page_token.as_deref(),
        };
        asked.list(call).await
    }
}

operation! {
    /// Searches files. All that is named must hold. What was made a moment ago may not be found yet. Where Drive has not
    /// looked into all shared drives, the page says `incompleteSearch`, which a stream of the files does not.
    ///
    /// <https://developers.google.com/workspace/drive/api/guides/search-files>. Access `read`.
    ///
    /// Example: `{"nameContains": "report", "mimeType": "application/pdf", "modifiedAfter": "2026-09-01T00:00:00Z"}`
    SearchFiles = "searchFiles", Read, Always -> FilePage,
    scopes scopes::FILES,
    discloses {
        "name": Content(Anyone), "nameContains": Content(Anyone), "fullText": Content(Anyone), "owner": Contact(Anyone),
        "query": Content(Anyone)
    }
    path {}
    required {}
    optional {
        /// The whole name.
        name: String,
        /// The beginning of a word in the name.
        name_contains: String,
        /// What stands in the content, the name or the description.
        full_text: String,
        /// The media type.
        mime_type: String,
        /// The folder.
        folder_id: String,
        /// Whose it is: an address.
        owner: String,
        /// Changed after this moment, with an offset: `2026-09-01T00:00:00Z`.
        modified_after: String,
        /// Changed before this moment.
        modified_before: String,
        /// Only what others share with the user.
        shared_with_me: bool,
        /// Only what the user has starred, or has not.
        starred: bool,
        /// Whether what is in the bin is found too.
        include_trashed: bool,
        /// More conditions in Drive's own language, as it is: `visibility = 'anyoneWithLink'`.
        query: String,
        /// The shared drive.
        drive_id: String,
        /// By what it is sorted; not beside `fullText`.
        order_by: String,
        /// Members to be read beside the usual, as Drive names them.
        fields: Vec<String>,
        /// How many, 1 to 1000; Google's default is 100.
        page_size: u32,
        /// The `nextPageToken` of the page before; everything else stays as it was.
        page_token: String,
    }
    check |this| {
        check_folder(this.folder_id.as_deref())?;
        check_fields(this.fields.as_deref())?;
        check_page("pageSize", this.page_size, 1000)?;
        this.owner.as_ref().map_or(Ok(()), |owner| check_address("owner", owner))?;
        for (field, moment) in [("modifiedAfter", &this.modified_after), ("modifiedBefore", &this.modified_before)] {
            moment.as_ref().map_or(Ok(()), |moment| check_moment(field, moment).map(|_| ()))?;
        }
        if this.full_text.is_some() && this.order_by.is_some() {
            return Err(crate::error::Error::invalid("orderBy", "cannot stand beside fullText: Drive sorts by how well it fits"));
        }
    }
    run |this, call| {
        let mut query = Query::default()
            .and_text("name =", this.name.as_deref())
            .and_text("name contains", this.name_contains.as_deref())
            .and_text("fullText contains", this.full_text.as_deref())
            .and_text("mimeType =", this.mime_type.as_deref())
            .and_in(this.folder_id.as_deref())
            .and_text("modifiedTime >", this.modified_after.as_deref())
            .and_text("modifiedTime <", this.modified_before.as_deref());
        if let Some(owner) = &this.owner {
            query = query.and(format_args!("{} in owners", super::query::quoted(owner)));
        }
        if this.shared_with_me == Some(true) {
            query = query.and("sharedWithMe");
        }
        if let Some(starred) = this.starred {
            query = query.and(format_args!("starred = {starred}"));
        }
        query = bin(query, this.include_trashed);
        if let Some(own) = &this.query {
            query = query.and(format_args!("({own})"));
        }
        let asked = Asked {
            q: query.text(),
            drive_id: this.drive_id.as_deref(),
            order_by: this.order_by.as_deref(),
            fields: this.fields.as_deref(),
            page_size: this.page_size,
            page_token: this.page_token.as_deref(),
        };
        asked.list(call).await
    }
}

/// Without what is in the bin, unless it is wanted.
fn bin(query: Query, wanted: Option<bool>) -> Query {
    if wanted == Some(true) { query } else { query.and("trashed = false") }
}

/// What is asked of a list of files.
struct Asked<'a> {
    q: String,
    drive_id: Option<&'a str>,
    order_by: Option<&'a str>,
    fields: Option<&'a [String]>,
    page_size: Option<u32>,
    page_token: Option<&'a str>,
}

impl Asked<'_> {
    async fn list(self, call: &Call<'_, GoogleWorkspace>) -> Result<FilePage> {
        let fields = format!("nextPageToken,incompleteSearch,files({})", with_fields(FILE, self.fields));
        let mut request = for_all_drives(call.get(drive(call, &["files"])?))
            .query("includeItemsFromAllDrives", "true")
            .query("fields", fields);
        if !self.q.is_empty() {
            request = request.query("q", self.q);
        }
        // Unless told, Drive leaves out what lies in a shared drive and was never opened by the user.
        request = match self.drive_id {
            Some(drive) => request.query("corpora", "drive").query("driveId", drive),
            None => request.query("corpora", "allDrives"),
        };
        let optional = [("orderBy", self.order_by), ("pageToken", self.page_token)];
        for (name, value) in optional.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            request = request.query(name, value);
        }
        if let Some(size) = self.page_size {
            request = request.query("pageSize", size.to_string());
        }
        call.fetch(request).await
    }
}
