use async_trait::async_trait;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Binding, CipherKey, Envelope};
use crate::{
    error::{Error, Result},
    model::TenantId,
};

/// Wraps tenants' keys. [`LocalKeys`] does it with the master key; an HSM or a cloud's key service can do it instead.
#[async_trait]
pub trait KeyProvider: Send + Sync + 'static {
    /// Encrypts `key` so that only this provider, for this tenant and salt, decrypts it.
    async fn wrap(&self, tenant: &TenantId, salt: &[u8], id: &str, key: &CipherKey) -> Result<Vec<u8>>;

    /// Decrypts what [`wrap`](KeyProvider::wrap) made.
    async fn unwrap(&self, tenant: &TenantId, salt: &[u8], id: &str, wrapped: &[u8]) -> Result<CipherKey>;
}

/// The key hierarchy below a root key: HKDF-SHA256 (RFC 5869) with the tenant's salt gives the key that wraps the
/// tenant's others, so that a thousand tenants cost microseconds.
pub struct LocalKeys(CipherKey);

impl LocalKeys {
    pub(super) fn new(root: CipherKey) -> Self {
        Self(root)
    }

    fn wrapping_key(&self, tenant: &TenantId, salt: &[u8]) -> Result<CipherKey> {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(Some(salt), self.0.expose())
            .expand_multi_info(&[b"sis-integrations/v1/tenant-key/", tenant.as_str().as_bytes()], key.as_mut_slice())
            .map_err(|_| Error::internal("HKDF refused 32 bytes"))?;
        Ok(CipherKey::new(*key))
    }
}

fn binding<'a>(tenant: &'a TenantId, id: &'a str) -> Binding<'a> {
    Binding { tenant: tenant.as_str(), table: "integration_tenant_keys", id, field: "wrapped" }
}

#[async_trait]
impl KeyProvider for LocalKeys {
    async fn wrap(&self, tenant: &TenantId, salt: &[u8], id: &str, key: &CipherKey) -> Result<Vec<u8>> {
        let wrapping = self.wrapping_key(tenant, salt)?;
        Ok(Envelope::seal(&wrapping, 0, binding(tenant, id), key.expose()))
    }

    async fn unwrap(&self, tenant: &TenantId, salt: &[u8], id: &str, wrapped: &[u8]) -> Result<CipherKey> {
        let wrapping = self.wrapping_key(tenant, salt)?;
        let plain = Envelope::open(&wrapping, binding(tenant, id), wrapped)?;
        let bytes: [u8; 32] =
            plain.as_slice().try_into().map_err(|_| Error::internal("a wrapped key has not 32 bytes"))?;
        Ok(CipherKey::new(bytes))
    }
}
