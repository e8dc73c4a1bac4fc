"""Makes audit_chain.json from the description of the chain alone (src/services/chain.rs)."""
import hashlib, hmac, json, struct

COLUMNS = ["stream", "seq", "at", "request_id", "event", "actor_id", "actor_role", "actor_ip", "actor_agent", "provider",
           "operation", "part", "arguments_digest", "outcome", "deadline_at", "detail"]

def text(t):
    b = t.encode()
    return b"\x01" + struct.pack(">I", len(b)) + b

def value(column, v):
    if v is None:
        return b"\x00"
    if column in ("at", "deadline_at"):
        return b"\x03" + struct.pack(">q", v)
    if isinstance(v, int):
        return b"\x02" + struct.pack(">q", v)
    return text(v)

key, mac, rows = bytes(range(32)), bytes(32), []
base = dict(stream="0123456789abcdef0123", request_id="01a20f39-de80-7b7c-bb06-1cf78d4ba907", actor_id="u-1", actor_role="admin",
            provider="twilio", operation="sendSms", arguments_digest="ab" * 32)
for seq, more in enumerate([
    dict(id="a/call.intent", event="call.intent", at=1795546800000001, deadline_at=1795546830000001, actor_ip="203.0.113.7"),
    dict(id="a/part.intent/recipients[0]/sms", event="part.intent", at=1795546800000002, part="recipients[0]/sms"),
    dict(id="a/call.outcome", event="call.outcome", at=1795546800000003, outcome="ok", detail='{"sid":"SM1","attempts":1}', actor_agent="sis/1 (ünïcödé)"),
], 1):
    row = {**base, **more, "seq": seq}
    canonical = b"\x01" + text("tenant-123") + text(row["id"]) + b"".join(value(c, row.get(c)) for c in COLUMNS)
    mac = hmac.new(key, mac + canonical, hashlib.sha256).digest()
    rows.append({**row, "mac": mac.hex()})
json.dump(dict(key=key.hex(), tenant="tenant-123", rows=rows), open("audit_chain.json", "w"), indent=1, ensure_ascii=False)
