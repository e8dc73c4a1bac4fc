//! Organizational units. <https://developers.google.com/workspace/admin/directory/reference/rest/v1/orgunits>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    super::{
        define::{self, operation},
        wire::made,
    },
    ORG_UNITS, ORG_UNITS_READ, at,
    create::is_there,
    objects::{OrgUnit, OrgUnits},
};
use crate::{
    error::{Error, ErrorCode},
    transport::Repeat,
};

/// How deep a list of units goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum OrgUnitDepth {
    /// All that is below.
    All,
    /// What is right below.
    Children,
}

operation! {
    /// Lists the organizational units, all at once.
    ///
    /// <https://developers.google.com/workspace/admin/directory/reference/rest/v1/orgunits/list>. Access `read`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"depth": "all"}`
    ListOrgUnits = "listOrgUnits", Read, Always -> OrgUnits,
    scopes ORG_UNITS_READ,
    discloses {}
    path {}
    required {}
    optional {
        /// Only those below this one, such as `/Students`.
        org_unit_path: String,
        /// How deep; `children` without this.
        depth: OrgUnitDepth,
    }
    check |this| {
        if this.org_unit_path.as_ref().is_some_and(|path| !path.starts_with('/')) {
            return Err(Error::invalid("orgUnitPath", "must begin with /"));
        }
    }
    run |this, call| {
        let mut query = this.rest()?;
        if let Some(depth) = query.remove("depth") {
            query.insert("type".to_owned(), depth);
        }
        define::get(call, at(call, &["customer", call.config().customer_or_own(), "orgunits"])?, &query).await
    }
}

operation! {
    /// Makes an organizational unit.
    ///
    /// <https://developers.google.com/workspace/admin/directory/reference/rest/v1/orgunits/insert>. Access `manage`.
    /// Repeated with the same idempotency key it makes one. Errors: `conflict` where there is one of this name, `not_found`
    /// for what it is to be under.
    ///
    /// Example: `{"name": "Grade 7", "parentOrgUnitPath": "/Students"}`
    CreateOrgUnit = "createOrgUnit", Manage, WithKey -> OrgUnit,
    scopes ORG_UNITS,
    steps &["create"],
    discloses {}
    path {}
    required {
        /// The name, without `/`.
        name: String,
        /// What it is under; `/` for the top.
        parent_org_unit_path: String,
    }
    optional {
        /// What it is for.
        description: String,
    }
    check |this| {
        define::check_text("name", &this.name, 100)?;
        if this.name.contains('/') || matches!(this.name.as_str(), "." | "..") {
            return Err(Error::invalid("name", "must be a name without /"));
        }
        segments(&this.parent_org_unit_path)?;
    }
    run |this, call| {
        let mut path = vec!["customer", call.config().customer_or_own(), "orgunits"];
        let list = at(call, &path)?;
        path.extend(segments(&this.parent_org_unit_path)?);
        path.push(&this.name);
        let here = at(call, &path)?;
        let body = Value::Object(this.rest()?);
        let there = here.clone();
        let (_, unit) = made(call, "create", |begun| async move {
            if !begun && is_there(call, there.clone()).await? {
                return Err(Error::new(ErrorCode::Conflict, "there is a unit of this name already").with_field("name"));
            }
            let found = define::read(call, there);
            let made = define::made_or_found(call, call.post(list).json(&body), Repeat::WithKey, found).await;
            let unit: OrgUnit = made.map_err(|error| if is_parents(&error) { no_parent(&error) } else { error })?;
            Ok((unit.org_unit_id.clone().unwrap_or_default(), unit))
        })
        .await?;
        match unit {
            Some(unit) => Ok(unit),
            None => define::read(call, here).await,
        }
    }
}

/// Google finds no such unit to put the new one under: it says so in words alone.
fn is_parents(error: &Error) -> bool {
    error.vendor().is_some_and(|vendor| {
        vendor.status == 404 || vendor.status == 400 && vendor.message.as_ref().is_some_and(|it| it.contains("Parent"))
    })
}

fn no_parent(error: &Error) -> Error {
    let ours = Error::new(ErrorCode::NotFound, "there is no such unit to put it under").with_field("parentOrgUnitPath");
    match error.vendor().cloned() {
        Some(vendor) => ours.with_vendor(vendor),
        None => ours,
    }
}

/// The names on the way down to a unit.
fn segments(path: &str) -> crate::error::Result<Vec<&str>> {
    let wrong = || Error::invalid("parentOrgUnitPath", "must be a path such as /Students/Grade 7, or / for the top");
    let names: Vec<&str> = match path.strip_prefix('/').ok_or_else(wrong)? {
        "" => Vec::new(),
        rest => rest.split('/').collect(),
    };
    if names.iter().any(|name| matches!(*name, "" | "." | "..")) { Err(wrong()) } else { Ok(names) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_goes_down_by_names() {
        assert!(segments("/").unwrap().is_empty());
        assert_eq!(segments("/Students/Grade 7").unwrap(), ["Students", "Grade 7"]);
        for bad in ["", "Students", "//", "/a//b", "/../x", "/a/"] {
            assert_eq!(segments(bad).unwrap_err().field(), Some("parentOrgUnitPath"), "{bad}");
        }
    }
}
