//! On whose behalf a call may act at a vendor.
#![allow(missing_docs, reason = "tests")]

#[path = "support/every/mod.rs"]
mod every;

use every::{School, builder};
use sandbox::{google_workspace as google, microsoft365 as graph};
use serde_json::{Value, json};
use sis_integrations::{Actor, AuditFilter, ErrorCode, Grant, Role, storage::MemoryStorage};

const GOOGLE: (&str, &str, &str) = ("google_workspace", "listMessages", "asUser");
const MICROSOFT: (&str, &str, &str) = ("microsoft365", "listMessages", "userId");

#[tokio::test]
async fn nobody_reads_anothers_mail_without_the_right_to() {
    for ((provider, operation, argument), own, others) in
        [(GOOGLE, google::TEACHER, google::ADMIN), (MICROSOFT, "teacher@yourschool.example", graph::STUDENT_ID)]
    {
        let school = School::open(builder().storage(MemoryStorage::new())).await;
        let call = async |actor: &Actor, whose: &str| {
            let arguments: Value = json!({ argument: whose });
            school.tenant.execute(actor, provider, operation, arguments).await.map(drop)
        };
        let nobody = Actor::new("t-5", Role::Teacher);
        let teacher = nobody.clone().address(own.to_uppercase());
        call(&teacher, own).await.unwrap();
        for (actor, whose) in [(&teacher, others), (&nobody, own), (&Actor::new("t-6", Role::Teacher).address(""), "")]
        {
            let error = call(actor, whose).await.unwrap_err();
            let expected = if whose.is_empty() { ErrorCode::InvalidArgument } else { ErrorCode::PermissionDenied };
            assert_eq!(error.code(), expected, "{provider} {whose}: {error}");
        }
        // Without a name it is the mailbox of whom the settings name.
        let unnamed = async |actor: &Actor| {
            school.tenant.execute(actor, provider, operation, json!({})).await.map(drop).map_err(|error| error.code())
        };
        assert_eq!(unnamed(&teacher).await, Err(ErrorCode::PermissionDenied));
        assert_eq!(unnamed(&school.admin).await, Ok(()));

        let trail = school.tenant.audit(&school.admin, &AuditFilter::default()).await.unwrap();
        let outcomes = trail.entries.iter().filter_map(|entry| entry.outcome.as_deref());
        assert_eq!(outcomes.filter(|outcome| *outcome == "permission_denied").count(), 3, "refusals are on record");

        call(&school.admin, others).await.unwrap();
        school.tenant.grant(&school.admin, "t-5", provider, &Grant::default().allow(["actAs"])).await.unwrap();
        call(&teacher, others).await.unwrap();
        let denied = Grant::default().allow(["*"]).deny(["actAs"]);
        school.tenant.grant(&school.admin, "t-5", provider, &denied).await.unwrap();
        assert_eq!(call(&teacher, others).await.unwrap_err().code(), ErrorCode::PermissionDenied);
        call(&teacher, own).await.unwrap();
    }
}
