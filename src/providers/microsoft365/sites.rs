//! SharePoint: sites, their libraries and lists. <https://learn.microsoft.com/graph/api/resources/sharepoint>

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    check,
    drive::{READS as DRIVES, check_path},
    graph::{Graph, query},
    wire::{list, object, operation},
};
use crate::{
    error::{Error, Result},
    transport::{Method, Repeat, oauth::Scopes},
};

const READS: Scopes = &[&["Sites.Read.All", "Sites.ReadWrite.All"]];
const WRITES: Scopes = &[&["Sites.ReadWrite.All", "Sites.Manage.All"]];

object! {
    /// A site.
    Site {
        /// Its title.
        display_name: String,
        /// Its name in the address.
        name: String,
        /// Its page.
        web_url: String,
        /// What it is for.
        description: String,
    }
}

object! {
    /// A OneDrive, or a document library of a site.
    Drive {
        /// Its name.
        name: String,
        /// `personal`, `business` or `documentLibrary`.
        drive_type: String,
        /// Its page.
        web_url: String,
        /// Whose it is.
        owner: Value,
        /// How full it is.
        quota: Value,
    }
}

object! {
    /// A list of a site.
    SiteList {
        /// Its title.
        display_name: String,
        /// Its name in the address.
        name: String,
        /// What it is for.
        description: String,
        /// Its page.
        web_url: String,
        /// Which template it was made by.
        list: Value,
    }
}

object! {
    /// A row of a list.
    ListItem {
        /// Its columns.
        fields: Map<String, Value>,
        /// Its page.
        web_url: String,
        /// Changes with each change.
        e_tag: String,
        /// When it was made.
        created_date_time: String,
        /// When it was last changed.
        last_modified_date_time: String,
    }
}

list! {
    /// Searches the sites of the school.
    ///
    /// <https://learn.microsoft.com/graph/api/site-search>. Access `read`. Application or delegated: `Sites.Read.All`.
    ///
    /// Example: `{"search": "library"}`
    SearchSites = "searchSites" -> Site,
    scopes READS, Any,
    discloses { "search": Content(Anyone) }
    by {}
    required {
        /// The words; `*` for every site.
        search: String,
    }
    optional {}
    check |this| { check::text("search", &this.search, 200)?; }
    at |this, call| Graph::root(call), &["sites"], query(&[("search", Some(this.search.as_str()))])
}

operation! {
    /// Reads a site: by its id, or by host and path.
    ///
    /// <https://learn.microsoft.com/graph/api/site-get>. Access `read`. Application or delegated: `Sites.Read.All`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"siteId": "yourschool.sharepoint.com", "path": "sites/library"}`
    GetSite = "getSite", Read, Always -> Site,
    scopes READS, Any,
    discloses { "path": Content(Anyone) }
    by {
        /// The site's id, `root`, or the host beside a `path`.
        site_id: String,
    }
    required {}
    optional {
        /// The site's path at that host.
        path: String,
    }
    check |this| { check_path("path", &this.path)?; }
    run |this, call| {
        let host = format!("{}:", this.site_id);
        let path: Vec<&str> = match &this.path {
            Some(path) => ["sites", host.as_str()].into_iter().chain(path.split('/')).collect(),
            None => vec!["sites", this.site_id.as_str()],
        };
        Graph::root(call).get(&path, &[]).await
    }
}

list! {
    /// Lists the document libraries of a site; each is a drive, whose id every operation on files takes.
    ///
    /// <https://learn.microsoft.com/graph/api/drive-list>. Access `read`. Application or delegated: `Files.Read.All`.
    /// Errors: `not_found`.
    ///
    /// Example: `{"siteId": "yourschool.sharepoint.com,da60e844-…,712a596e-…"}`
    ListSiteDrives = "listSiteDrives" -> Drive,
    scopes DRIVES, Any,
    discloses {}
    by {
        /// The site's id.
        site_id: String,
    }
    required {}
    optional {}
    at |this, call| Graph::root(call), &["sites", &this.site_id, "drives"], Vec::new()
}

list! {
    /// Lists the lists of a site.
    ///
    /// <https://learn.microsoft.com/graph/api/list-list>. Access `read`. Application or delegated: `Sites.Read.All`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"siteId": "yourschool.sharepoint.com,da60e844-…,712a596e-…"}`
    ListLists = "listLists" -> SiteList,
    scopes READS, Any,
    discloses {}
    by {
        /// The site's id.
        site_id: String,
    }
    required {}
    optional {}
    at |this, call| Graph::root(call), &["sites", &this.site_id, "lists"], Vec::new()
}

operation! {
    /// Reads one list of a site.
    ///
    /// <https://learn.microsoft.com/graph/api/list-get>. Access `read`. Application or delegated: `Sites.Read.All`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"siteId": "yourschool.sharepoint.com,da60e844-…,712a596e-…", "listId": "Equipment"}`
    GetList = "getList", Read, Always -> SiteList,
    scopes READS, Any,
    discloses {}
    by {
        /// The site's id.
        site_id: String,
    }
    required {
        /// The list's id or title.
        list_id: String,
    }
    optional {}
    check |this| { check_list(&this.list_id)?; }
    run |this, call| { Graph::root(call).get(&["sites", &this.site_id, "lists", &this.list_id], &[]).await }
}

list! {
    /// Lists the rows of a list, with their columns.
    ///
    /// <https://learn.microsoft.com/graph/api/listitem-list>. Access `read`. Application or delegated: `Sites.Read.All`.
    /// Errors: `not_found`.
    ///
    /// Example: `{"siteId": "yourschool.sharepoint.com,da60e844-…,712a596e-…", "listId": "Equipment", "filter": "fields/Title eq 'Beamer'"}`
    ListListItems = "listListItems" -> ListItem,
    scopes READS, Any,
    discloses { "filter": Content(Anyone) }
    by {
        /// The site's id.
        site_id: String,
    }
    required {
        /// The list's id or title.
        list_id: String,
    }
    optional {
        /// A filter in OData on columns that are indexed, by their internal names: `fields/Title eq 'Beamer'`.
        filter: String,
    }
    check |this| { check_list(&this.list_id)?; }
    at |this, call|
        Graph::root(call), &["sites", &this.site_id, "lists", &this.list_id, "items"],
        query(&[("$expand", Some("fields")), ("$filter", this.filter.as_deref())])
}

operation! {
    /// Adds a row to a list.
    ///
    /// <https://learn.microsoft.com/graph/api/listitem-create>. Access `write`. Application or delegated:
    /// `Sites.ReadWrite.All`. Never repeated by the library: a lost answer ends as `outcome_unknown`, and `listListItems`
    /// shows whether the row is there. Errors: `not_found`, `invalid_argument` or `vendor` for a column that is not there.
    ///
    /// Example: `{"siteId": "yourschool.sharepoint.com,da60e844-…,712a596e-…", "listId": "Equipment", "fields": {"Title": "Beamer"}}`
    CreateListItem = "createListItem", Write, Never -> ListItem,
    scopes WRITES, Any,
    discloses { "fields": Content(Anyone) }
    by {
        /// The site's id.
        site_id: String,
    }
    required {
        /// The list's id or title.
        list_id: String,
        /// Its columns, by their internal names or by their titles.
        fields: Map<String, Value>,
    }
    optional {}
    check |this| {
        check_list(&this.list_id)?;
        some_columns(&this.fields)?;
    }
    run |this, call| {
        let list = Graph::root(call).below(&["sites", &this.site_id, "lists", &this.list_id]);
        let fields = columns(&list, this.fields).await?;
        list.make(Method::Post, &["items"], &json!({ "fields": fields }), Repeat::Never).await
    }
}

operation! {
    /// Changes columns of a row; the rest stays.
    ///
    /// <https://learn.microsoft.com/graph/api/listitem-update>. Access `write`. Application or delegated:
    /// `Sites.ReadWrite.All`. Errors: `not_found`, `invalid_argument` or `vendor` for a column that is not there.
    ///
    /// Example: `{"siteId": "yourschool.sharepoint.com,da60e844-…,712a596e-…", "listId": "Equipment", "listItemId": "3", "fields": {"Title": "Screen"}}`
    UpdateListItem = "updateListItem", Write, Always -> ListItem,
    scopes WRITES, Any,
    discloses { "fields": Content(Anyone) }
    by {
        /// The site's id.
        site_id: String,
    }
    required {
        /// The list's id or title.
        list_id: String,
        /// The row's id.
        list_item_id: String,
        /// The columns to change, by their internal names or by their titles.
        fields: Map<String, Value>,
    }
    optional {}
    check |this| {
        check_list(&this.list_id)?;
        check::id("listItemId", &this.list_item_id)?;
        some_columns(&this.fields)?;
    }
    run |this, call| {
        let list = Graph::root(call).below(&["sites", &this.site_id, "lists", &this.list_id]);
        let fields = Value::Object(columns(&list, this.fields).await?);
        let path = ["items", &this.list_item_id, "fields"];
        let fields: Map<String, Value> = list.make(Method::Patch, &path, &fields, Repeat::Always).await?;
        Ok(ListItem { id: Some(this.list_item_id), fields: Some(fields), ..ListItem::default() })
    }
}

fn some_columns(fields: &Map<String, Value>) -> Result<()> {
    if fields.is_empty() {
        return Err(Error::invalid("fields", "must name at least one column"));
    }
    Ok(())
}

/// A list's title may have spaces, which an id has not.
fn check_list(list: &str) -> Result<()> {
    check::text("listId", list, 255)?;
    if matches!(list, "." | "..") || list.contains(|letter: char| letter.is_control() || matches!(letter, '/' | '\\')) {
        return Err(Error::invalid("listId", "must be a list's id, or its title where that has no slash"));
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Column {
    name: String,
    #[serde(default)]
    display_name: String,
}

/// The same columns by their internal names. What cannot be one is a title: the list knows whose.
async fn columns(list: &Graph<'_>, fields: Map<String, Value>) -> Result<Map<String, Value>> {
    if fields.keys().all(|name| is_internal(name)) {
        return Ok(fields);
    }
    let known: Vec<Column> = list.all(&["columns"], &query(&[("$select", Some("id,name,displayName"))])).await?;
    let named = |(name, value): (String, Value)| {
        if is_internal(&name) {
            return Ok((name, value));
        }
        let mut columns = known.iter().filter(|column| column.display_name == name);
        let why = match (columns.next(), columns.next()) {
            (Some(column), None) => return Ok((column.name.clone(), value)),
            (None, _) => "is neither a column's internal name nor the title of one",
            _ => "is the title of more than one column; name it by its internal name",
        };
        Err(Error::invalid(format!("fields.{name}"), why))
    };
    fields.into_iter().map(named).collect()
}

/// Whether SharePoint could have made this name: it writes a space as `_x0020_`. What follows an `@` says how a value is
/// written.
fn is_internal(name: &str) -> bool {
    let name = name.split('@').next().unwrap_or_default();
    name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}
