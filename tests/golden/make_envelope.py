"""Makes envelope.json from the description of the format alone (src/security/cipher.rs, `Envelope`)."""
import json, struct
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

vectors = []
for n, (tenant, table, id, field, plain) in enumerate([
    ("tenant-123", "tenant_integration_configs", "twilio", "auth_token", "an auth token"),
    ("t", "integration_oauth_tokens", "google_workspace|me", "token", ""),
    ("tenant-123", "tenant_integration_configs", "twilio", "auth_token", "ünïcödé 🔑" * 50),
]):
    key, nonce, version = bytes(range(n, n + 32)), bytes(range(100 + n, 112 + n)), n + 1
    aad = b"".join(struct.pack(">Q", len(p.encode())) + p.encode() for p in (tenant, table, id, field))
    aad += struct.pack(">I", version)
    sealed = AESGCM(key).encrypt(nonce, plain.encode(), aad)
    envelope = b"\x01" + struct.pack(">I", version) + nonce + sealed
    vectors.append(dict(key=key.hex(), tenant=tenant, table=table, id=id, field=field, plain=plain, envelope=envelope.hex()))
json.dump(vectors, open("envelope.json", "w"), indent=1, ensure_ascii=False)
