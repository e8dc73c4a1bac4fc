//! Every table, described once.
//!
//! The names of the nine tables of the project's founding document are kept; ours stand beside them. `docs/tables.md`
//! is written from this.

use super::{Column, Index, Kind, Schema, Table};

macro_rules! table {
    (
        $(#[doc = $about:literal])*
        $name:ident = $sql:literal {
            $($(#[doc = $_about:literal])* $column:ident : $kind:ident $(? $nullable:tt)?,)*
        }
        $(index [$($indexed:ident),*])*
        $(unique [$($uniquely:ident),*])*
        $(clustered [$($in_order:ident),*])?
    ) => {
        $(#[doc = $about])*
        pub static $name: Table = Table {
            name: $sql,
            about: concat!($($about),*).trim_ascii(),
            columns: &[$(Column {
                name: stringify!($column),
                kind: Kind::$kind,
                nullable: table!(@nullable $($nullable)?),
                since: 1,
            },)*],
            indexes: &[
                $(Index { columns: &[$(stringify!($indexed)),*], unique: false, clustered: false, since: 1 },)*
                $(Index { columns: &[$(stringify!($uniquely)),*], unique: true, clustered: false, since: 1 },)*
                $(Index { columns: &[$(stringify!($in_order)),*], unique: true, clustered: true, since: 1 },)?
            ],
            since: 1,
        };
    };
    (@nullable null) => { true };
    (@nullable) => { false };
}

table! {
    /// A tenant's settings for a provider; `id` is the provider.
    CONFIGS = "tenant_integration_configs" {
        enabled: Boolean,
        /// Public settings, as the provider's config names them.
        settings: Json,
        /// Secret settings: field name to envelope, in base64.
        secrets: Json,
        /// The vendor's account that the settings belong to, as its webhooks name it.
        account: Text ? null,
        updated_at: Timestamp,
        updated_by: Text,
    }
}

table! {
    /// One row for each call: how long, how often, how much.
    USAGE_LOGS = "integration_usage_logs" {
        at: Timestamp,
        request_id: Text,
        provider: Text,
        operation: Text,
        actor_id: Text,
        /// `ok` or an error code.
        outcome: Text,
        duration_us: Integer,
        attempts: Integer,
        /// What the vendor counts: messages, requests, minutes.
        units: Integer,
        /// Estimated, in millionths of `currency`.
        cost_micros: Integer,
        currency: Text ? null,
    }
}

table! {
    /// What a user may do with a provider, beside the role's default; `id` is `provider:user`.
    PERMISSIONS = "integration_permissions" {
        user_id: Text,
        provider: Text,
        /// The role the user has for this provider, instead of their own.
        role: Text ? null,
        /// Operations allowed, or `*`.
        allow: Json,
        /// Operations denied, or `*`; deny wins.
        deny: Json,
        expires_at: Timestamp ? null,
        updated_at: Timestamp,
        updated_by: Text,
    }
    index [user_id]
}

table! {
    /// The audit trail: rows of an HMAC chain per writer stream.
    AUDIT_LOGS = "integration_audit_logs" {
        /// The writer stream: one process, one tenant.
        stream: Text,
        /// The place in the stream, from 1.
        seq: Integer,
        at: Timestamp,
        request_id: Text,
        /// `call.intent`, `call.outcome`, `part.intent`, `part.outcome`, `call.refused`, `config.changed` …
        event: Text,
        actor_id: Text,
        actor_role: Text,
        actor_ip: Text ? null,
        actor_agent: Text ? null,
        provider: Text ? null,
        operation: Text ? null,
        /// One send of a call that makes many: `recipients[3]/sms`.
        part: Text ? null,
        /// A keyed digest of the arguments, in hex: equal arguments are seen to be equal, nothing more.
        arguments_digest: Text ? null,
        /// `ok` or an error code.
        outcome: Text ? null,
        /// After this moment an intent without an outcome is `outcome_unknown`.
        deadline_at: Timestamp ? null,
        /// Ids the vendor gave, its status, attempts: nothing personal.
        detail: Json ? null,
        /// HMAC-SHA256 over the previous row's and this row's canonical bytes.
        mac: Bytes,
    }
    clustered [stream, seq]
}

table! {
    /// Who was told what about whom, refusals too (34 CFR 99.32).
    DATA_ACCESS_LOGS = "integration_data_access_logs" {
        at: Timestamp,
        request_id: Text,
        provider: Text,
        operation: Text,
        actor_id: Text,
        actor_role: Text,
        /// A keyed pseudonym of the person; null where the host named nobody.
        subject: Text ? null,
        /// The person's id, encrypted.
        subject_id: Bytes ? null,
        under13: Boolean,
        /// Categories of data, as the operation's manifest says.
        categories: Json,
        /// The party that receives it.
        recipient: Text,
        /// Its legitimate interest.
        purpose: Text ? null,
        /// The ground in 34 CFR 99.31.
        basis: Text,
        /// Whether 99.32 wants this one recorded; we keep it either way.
        record_required: Boolean,
        /// `intended` or `refused`; what came of an intent stands in the audit trail under the request id.
        status: Text,
    }
    index [subject, at]
}

table! {
    /// Which settings changed, by whom; never their values.
    CONFIG_CHANGES = "integration_config_changes" {
        at: Timestamp,
        request_id: Text,
        provider: Text,
        actor_id: Text,
        actor_role: Text,
        /// `created`, `updated`, `enabled`, `disabled` or `deleted`.
        change: Text,
        /// Names of the fields that changed.
        fields: Json,
        /// The config's version after the change.
        config_version: Integer,
    }
    index [provider, at]
}

table! {
    /// What somebody should look at.
    SECURITY_EVENTS = "integration_security_events" {
        at: Timestamp,
        /// `repeated_refusals`, `decrypt_failed`, `audit_chain_broken`, `journal_used` …
        kind: Text,
        /// `low`, `medium` or `high`.
        severity: Text,
        actor_id: Text ? null,
        provider: Text ? null,
        request_id: Text ? null,
        detail: Json,
        resolved_at: Timestamp ? null,
    }
    index [at]
    index [kind, at]
}

table! {
    /// Webhook events as they came in; ids are in the order of their coming.
    WEBHOOK_LOGS = "integration_webhook_logs" {
        at: Timestamp,
        provider: Text,
        event_id: Text,
        event_kind: Text ? null,
        /// `pending`, `claimed`, `done`, `failed` or `dead`.
        state: Text,
        /// The event, encrypted.
        body: Bytes ? null,
        attempts: Integer,
        /// When a handler is to be tried; of a claimed event, when its claim lapses. Null when nothing is left to do.
        next_attempt_at: Timestamp ? null,
        error: Text ? null,
    }
    index [next_attempt_at]
    unique [provider, event_id]
}

table! {
    /// How far messages have come, as their vendors report; `id` is `provider:message_id`.
    DELIVERIES = "integration_deliveries" {
        provider: Text,
        message_id: Text,
        /// `accepted`, `queued`, `sending`, `sent`, `delivered`, `read` or `failed`.
        state: Text,
        /// The vendor's code for why it did not arrive.
        reason: Text ? null,
        /// When the vendor says it came so far; our time where it does not say.
        at: Timestamp,
    }
}

table! {
    /// API keys of our own REST API, as keyed hashes.
    API_KEYS = "integration_api_keys" {
        name: Text,
        /// The visible beginning of the key.
        prefix: Text,
        /// A keyed hash of the key.
        digest: Bytes,
        /// The user the key acts for.
        user_id: Text,
        role: Text,
        /// `provider:operation`, `provider:*` or `*`.
        scopes: Json,
        created_at: Timestamp,
        created_by: Text,
        expires_at: Timestamp ? null,
        revoked_at: Timestamp ? null,
    }
    index [prefix]
}

table! {
    /// Wrapped keys of tenants; under the tenant `_platform`, how the root key is derived.
    TENANT_KEYS = "integration_tenant_keys" {
        /// `root`, `data`, `audit` or `index`.
        purpose: Text,
        key_version: Integer,
        salt: Bytes,
        wrapped: Bytes,
        rounds: Integer,
        created_at: Timestamp,
        retired_at: Timestamp ? null,
    }
}

table! {
    /// OAuth tokens, encrypted; `id` is `provider:` and a keyed digest of the grant's name.
    OAUTH_TOKENS = "integration_oauth_tokens" {
        provider: Text,
        /// Access token, refresh token, scopes; empty before the first answer.
        token: Bytes,
        /// From when on nobody needs it; none for a row with a refresh token of the vendor's own.
        expires_at: Timestamp ? null,
        /// Until then one process asks the vendor for another; the others wait.
        lease_until: Timestamp ? null,
        updated_at: Timestamp,
    }
}

table! {
    /// Calls that may be repeated by name; `id` is a keyed digest of the key.
    IDEMPOTENCY_KEYS = "integration_idempotency_keys" {
        /// `started`, `stopped` half-way, or `finished`.
        state: Text,
        request_id: Text,
        arguments_digest: Text,
        /// The first answer, encrypted.
        answer: Bytes ? null,
        /// The steps that are done of a call of several requests, encrypted.
        steps: Bytes ? null,
        created_at: Timestamp,
        deadline_at: Timestamp,
        expires_at: Timestamp,
    }
    index [expires_at]
}

table! {
    /// Webhook channels at vendors, renewed ahead of their expiry; `id` is `provider:channel`.
    SUBSCRIPTIONS = "integration_subscriptions" {
        provider: Text,
        /// What it tells about, in the vendor's words.
        resource: Text,
        /// The vendor's id of it.
        vendor_id: Text,
        /// `opening`, `active`, `renewing`, `failing` while renewals fail, `lapsed`, or `replaced`.
        state: Text,
        /// The call that renews it, encrypted.
        renewal: Bytes ? null,
        /// Who made it, and for whom it is renewed.
        actor_id: Text,
        actor_role: Text,
        expires_at: Timestamp ? null,
        /// When it is to be renewed; of one that is being renewed, when another process may take over.
        renew_at: Timestamp ? null,
        /// Why it could not be renewed.
        error: Text ? null,
        created_at: Timestamp,
        updated_at: Timestamp,
    }
    index [renew_at]
}

table! {
    /// Emergency alerts under way.
    BROADCASTS = "integration_broadcasts" {
        at: Timestamp,
        request_id: Text,
        actor_id: Text,
        /// The message and its settings, encrypted.
        message: Bytes,
        state: Text,
        lease_owner: Text ? null,
        lease_until: Timestamp ? null,
        settled_at: Timestamp ? null,
    }
    index [at]
    index [state, lease_until]
}

table! {
    /// Who an alert is for, and what became of it.
    BROADCAST_RECIPIENTS = "integration_broadcast_recipients" {
        broadcast_id: Text,
        position: Integer,
        /// Name and addresses, encrypted.
        recipient: Bytes,
        /// `pending`, `sending`, `accepted`, `failed` or `unknown`.
        state: Text,
        channel: Text ? null,
        vendor_id: Text ? null,
        error: Text ? null,
        updated_at: Timestamp,
    }
    index [broadcast_id, state]
    unique [broadcast_id, position]
}

table! {
    /// Usage summed up by hour, so that charts do not read every call.
    USAGE_ROLLUPS = "integration_usage_rollups" {
        hour: Timestamp,
        provider: Text,
        operation: Text,
        outcome: Text,
        calls: Integer,
        duration_us: Integer,
        attempts: Integer,
        units: Integer,
        cost_micros: Integer,
    }
    index [hour]
}

/// Every table, at this version of the schema.
pub const SCHEMA: Schema = Schema {
    version: 1,
    tables: &[
        &CONFIGS,
        &USAGE_LOGS,
        &PERMISSIONS,
        &AUDIT_LOGS,
        &DATA_ACCESS_LOGS,
        &CONFIG_CHANGES,
        &SECURITY_EVENTS,
        &WEBHOOK_LOGS,
        &DELIVERIES,
        &API_KEYS,
        &TENANT_KEYS,
        &OAUTH_TOKENS,
        &IDEMPOTENCY_KEYS,
        &SUBSCRIPTIONS,
        &BROADCASTS,
        &BROADCAST_RECIPIENTS,
        &USAGE_ROLLUPS,
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_indexes_hold_together() {
        for table in SCHEMA.tables {
            assert!(table.name.starts_with("integration_") || table.name == "tenant_integration_configs");
            assert!(!table.about.is_empty());
            for index in table.indexes {
                for column in index.columns {
                    assert!(table.position(column).is_some(), "{}.{column}", table.name);
                }
            }
        }
    }
}
