use std::{fmt, net::IpAddr, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{TenantId, Timestamp};
use crate::error::{Error, Result};

/// The part a person plays in a school.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// Runs the school's integrations.
    Admin,
    /// Teaches.
    Teacher,
    /// Learns.
    Student,
    /// A parent or guardian of a student.
    Parent,
    /// Works in the school's office, library, nurse's room and so on.
    Staff,
}

impl Role {
    /// Every role.
    pub const ALL: &'static [Role] = &[Role::Admin, Role::Teacher, Role::Student, Role::Parent, Role::Staff];

    /// The role as JSON and SQL spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Teacher => "teacher",
            Role::Student => "student",
            Role::Parent => "parent",
            Role::Staff => "staff",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|role| role.name() == text)
            .ok_or_else(|| Error::invalid("role", "must be admin, teacher, student, parent or staff"))
    }
}

/// Who a call is made for.
///
/// The host application has authenticated the actor; this library authorises it. An actor that names its tenant is
/// refused in every other.
///
/// ```
/// use sis_integrations::{Actor, Role};
///
/// let actor = Actor::new("u-17", Role::Teacher).ip("203.0.113.7".parse().unwrap()).user_agent("sis-web/4.2");
/// assert_eq!(actor.role(), Role::Teacher);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Actor {
    id: String,
    role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<TenantId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ip: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

impl Actor {
    /// The user `id` of the host application, in this role.
    pub fn new(id: impl Into<String>, role: Role) -> Self {
        Self {
            id: id.into(),
            role,
            tenant: None,
            address: None,
            ip: None,
            user_agent: None,
            scopes: None,
            expires_at: None,
        }
    }

    /// The same actor, belonging to one tenant: every other tenant refuses it.
    pub fn of_tenant(mut self, tenant: TenantId) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// The same actor, known to the vendors by this address, such as `teacher@school.example`. Where a vendor lets a call act
    /// on behalf of a user, an actor who does not manage the integration may act as this one alone.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// The same actor, asking from this IP address.
    pub fn ip(mut self, ip: IpAddr) -> Self {
        self.ip = Some(ip);
        self
    }

    /// The same actor, asking with this program. Kept to 256 characters.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// The same actor, held to these scopes: each `provider:operation`, `provider:*` or `*`.
    pub fn scopes(mut self, scopes: Vec<String>) -> Self {
        self.scopes = Some(scopes);
        self
    }

    /// The same actor, whose credentials end at this moment: it is refused from then on, and makes no API key that lasts
    /// longer.
    pub fn until(mut self, moment: Timestamp) -> Self {
        self.expires_at = Some(moment);
        self
    }

    /// When its credentials end, if it said so.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// The user id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The tenant it belongs to, if it said so.
    pub fn tenant(&self) -> Option<&TenantId> {
        self.tenant.as_ref()
    }

    /// Whether it is known to the vendors by this address.
    pub fn is_known_as(&self, address: &str) -> bool {
        self.address.as_ref().is_some_and(|own| !own.is_empty() && own.eq_ignore_ascii_case(address))
    }

    /// Where it asks from.
    pub fn ip_address(&self) -> Option<IpAddr> {
        self.ip
    }

    /// The program it asks with, at most 256 characters of it.
    pub fn agent(&self) -> Option<&str> {
        let agent = self.user_agent.as_deref()?;
        Some(agent.char_indices().nth(256).map_or(agent, |(end, _)| &agent[..end]))
    }

    /// Whether the actor's scopes, if it has any, reach this operation.
    pub fn in_scope(&self, provider: &str, operation: &str) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| {
            scopes.iter().any(|scope| {
                scope == "*"
                    || scope.split_once(':').is_some_and(|(p, o)| p == provider && (o == "*" || o == operation))
            })
        })
    }

    /// Whether the actor's scopes, if it has any, hold all that this scope does: nobody passes on more than they have.
    pub fn covers(&self, scope: &str) -> bool {
        self.scopes.as_ref().is_none_or(|own| {
            own.iter().any(|own| {
                own == "*"
                    || own == scope
                    || own.strip_suffix('*').filter(|of| of.ends_with(':')).is_some_and(|of| scope.starts_with(of))
            })
        })
    }

    /// The school it belongs to, where that is not this one: what tells it from this one's user of the same id.
    pub(crate) fn outsider(&self, tenant: &TenantId) -> Option<&TenantId> {
        self.tenant.as_ref().filter(|own| *own != tenant)
    }

    /// Who the actor is, without where and with what it asks: for work done later in its name.
    pub(crate) fn later(&self) -> Self {
        Self { ip: None, user_agent: None, expires_at: None, ..self.clone() }
    }

    /// Refuses ids that no audit row could show.
    pub(crate) fn check(&self) -> Result<()> {
        if self.id.is_empty() || self.id.chars().count() > 256 || self.id.chars().any(char::is_control) {
            return Err(Error::invalid("actor.id", "must have 1 to 256 characters and no control characters"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_narrow_and_never_widen() {
        let free = Actor::new("u", Role::Admin);
        assert!(free.in_scope("twilio", "sendSms"));
        let held = free.scopes(vec!["twilio:sendSms".into(), "weather:*".into()]);
        assert!(held.in_scope("twilio", "sendSms"));
        assert!(!held.in_scope("twilio", "makeCall"));
        assert!(held.in_scope("weather", "getForecast"));
        assert!(!Actor::new("u", Role::Admin).scopes(vec![]).in_scope("twilio", "sendSms"));
    }

    #[test]
    fn nobody_passes_on_more_than_they_have() {
        let free = Actor::new("u", Role::Admin);
        assert!(free.covers("*"));
        let held = free.scopes(vec!["sis:manage".into(), "weather:*".into()]);
        for (scope, covered) in [
            ("sis:manage", true),
            ("weather:getForecast", true),
            ("weather:*", true),
            ("sis:*", false),
            ("*", false),
            ("twilio:sendSms", false),
            ("weatherman:x", false),
        ] {
            assert_eq!(held.covers(scope), covered, "{scope}");
        }
        assert!(Actor::new("u", Role::Admin).scopes(vec!["*".into()]).covers("*"));
    }

    #[test]
    fn an_actor_is_read_from_json() {
        let actor: Actor = serde_json::from_str(r#"{"id":"u-1","role":"admin","userAgent":"x"}"#).unwrap();
        assert_eq!(actor, Actor::new("u-1", Role::Admin).user_agent("x"));
        assert!(serde_json::from_str::<Actor>(r#"{"id":"u-1","role":"king"}"#).is_err());
        assert!(Actor::new("", Role::Admin).check().is_err());
        assert!(Actor::new("a\nb", Role::Admin).check().is_err());
    }
}
