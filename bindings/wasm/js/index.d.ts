/** The part a person plays in a school. */
export type Role = "admin" | "teacher" | "student" | "parent" | "staff";

/** Who a call is made for. Your application has authenticated the actor; this library authorises it. */
export interface Actor {
  /** The user's id in your application. */
  id: string;
  role: Role;
  /** An actor that names its tenant is refused in every other. */
  tenant?: string;
  /** The address the vendors know the actor by: calls may act on behalf of it. */
  address?: string;
  /** The IP address the actor asks from. */
  ip?: string;
  userAgent?: string;
  /** What the credentials shown reach: `provider:operation`, `provider:*` or `*`. */
  scopes?: string[];
  /** When the credentials shown end (RFC 3339): the actor is refused from then on. */
  expiresAt?: string;
}

/** Why a call failed, for a program to act on. The names are stable. */
export type ErrorCode =
  | "internal"
  | "invalid_argument"
  | "unknown_provider"
  | "unknown_operation"
  | "unsupported_operation"
  | "unauthenticated"
  | "permission_denied"
  | "not_configured"
  | "integration_disabled"
  | "needs_reconnect"
  | "rate_limited"
  | "idempotency_conflict"
  | "in_progress"
  | "conflict"
  | "not_found"
  | "timeout"
  | "cancelled"
  | "outcome_unknown"
  | "vendor"
  | "vendor_unavailable"
  | "circuit_open"
  | "invalid_response"
  | "storage_unavailable"
  | "storage_full"
  | "storage_corrupt"
  | "wrong_master_key"
  | "weak_master_key"
  | "decrypt_failed"
  | "closed"
  | "too_large"
  | "outbound_forbidden"
  | "audit_chain_broken"
  | "card_data_refused"
  | "signature_missing"
  | "signature_invalid"
  | "signature_stale";

/**
 * Whether the same call may be repeated: `never` before something is mended, `after` the time in `retryAfterMs`,
 * `exhausted` when the library has repeated it without success, `unknown` when it may have happened: look first.
 */
export type Retry = "never" | "after" | "exhausted" | "unknown";

/** What the vendor itself said. */
export interface VendorError {
  /** The vendor's HTTP status. */
  status: number;
  code?: string;
  message?: string;
  /** The vendor's id of the request, for its support. */
  requestId?: string;
}

/** How far an operation of several requests has come. */
export interface Done {
  steps: { [step: string]: { state: "done" | "unknown"; brought?: Json } };
  /** The same call with this key goes on after them. */
  idempotencyKey: string;
}

/** What every function here rejects with. Holds no secret and no URL. */
export class SisError extends Error {
  private constructor();
  readonly name: "SisError";
  readonly code: ErrorCode;
  /** The code's stable number. */
  readonly number: number;
  readonly retry: Retry;
  readonly retryAfterMs?: number;
  /** The path of the argument at fault, such as `recipients[3].phone`. */
  readonly field?: string;
  readonly provider?: string;
  readonly operation?: string;
  /** The key to the call's audit entries. */
  readonly requestId?: string;
  readonly vendor?: VendorError;
  /** Of an operation of several requests, the steps that were done. */
  readonly done?: Done;
}

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Settings of one provider, or arguments of one operation. */
export type JsonObject = { [name: string]: Json };

export interface OpenOptions {
  /** `memory`, the only storage here so far. */
  storage?: "memory";
  /** 32 random bytes in base64 or hex, or a passphrase (which takes a second or so to stretch). */
  masterKey: string;
  /** Whether a tenant's `base_url` may be plain http or a private address. Default: no. */
  allowPrivateAddresses?: boolean;
  /** When outcomes are written: before the answer, or within 50 ms. Default: `strict`. */
  durability?: "strict" | "relaxed";
  /** Settings of providers, by id, for every tenant that has not its own. */
  configDefaults?: { [provider: string]: JsonObject };
  /** Not in WebAssembly, which has no environment: refused. */
  configDefaultsFromEnv?: false;
  /** How many calls one actor may make; 0 a second is no limit. Default: 100 a second, 6,000 at once. */
  actorQuota?: { perSecond: number; burst: number };
  /** Sends requests in place of the global `fetch`. Must follow no redirect and heed `signal`. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** A person the data of a call is about. */
export interface Subject {
  id: string;
  /** Whether the person is under 13 (COPPA). */
  under13?: boolean;
}

/** About whom a call is, and what for: kept as 34 CFR 99.32 wants it. */
export interface Disclosure {
  subjects?: Subject[];
  purpose?: string;
  basis?: "school_official" | "health_or_safety_emergency" | "directory_information" | "consent";
}

/** A request that names a school and who asks. */
export interface TenantRequest {
  tenant: string;
  actor: Actor;
}

export interface ProviderRequest extends TenantRequest {
  provider: string;
}

export interface ExecuteRequest extends ProviderRequest {
  operation: string;
  arguments?: JsonObject;
  /**
   * With a key the call happens once: repeated within 24 hours it gets the first answer again. After `outcome_unknown`
   * the key is kept for 30 days, and the same call goes on where it can.
   */
  idempotencyKey?: string;
  disclosure?: Disclosure;
  /** How long the call may take: more than nothing, at most an hour. Default: the operation's own. */
  deadlineMs?: number;
  /** Waits for a free place within the deadline when a limit is reached, instead of failing. */
  wait?: boolean;
}

export interface ExecuteReply<Output = Json> {
  requestId: string;
  output: Output;
  /** Whether this is the result of an earlier call with the same idempotency key. */
  replayed: boolean;
}

export interface ConfigureRequest extends ProviderRequest {
  enabled?: boolean;
  /** All settings; a secret that is sent back masked stays as it was. */
  config?: JsonObject;
  /** The version this change was made from; otherwise it is a `conflict`. */
  expectedVersion?: number;
}

/** Settings as they may be shown: secrets are `********`. */
export interface ConfigView {
  provider: string;
  enabled: boolean;
  config: JsonObject;
  version: number;
  updatedAt: string;
  updatedBy: string;
}

export interface Grant {
  /** The role the user has for this provider, instead of their own. */
  role?: Role | null;
  /** Operations allowed, or `*`. */
  allow?: string[];
  /** Operations denied, or `*`; deny wins. */
  deny?: string[];
  expiresAt?: string | null;
}

export interface GrantRequest extends ProviderRequest {
  userId: string;
  permissions: Grant;
}

export interface PermissionsRequest extends ProviderRequest {
  userId: string;
}

export interface ApiKeyRequest extends TenantRequest {
  apiKey: { name: string; userId: string; role: Role; scopes: string[]; expiresAt?: string | null };
}

/** An API key as it may be shown. */
export interface ApiKey {
  id: string;
  name: string;
  prefix: string;
  userId: string;
  role: Role;
  scopes: string[];
  expiresAt: string | null;
  revokedAt: string | null;
}

export interface NewApiKey extends ApiKey {
  /** The key itself, shown this once. */
  key: string;
}

/** By an id that was answered before: of an API key or of a webhook event. */
export interface IdRequest extends TenantRequest {
  id: string;
}

export interface AuditRequest extends TenantRequest {
  filter?: {
    provider?: string;
    actorId?: string;
    requestId?: string;
    from?: string;
    to?: string;
    /** 1 to 500. Default: 100. */
    limit?: number;
    /** The `next` of the page before. */
    cursor?: Json;
  };
}

/** One line of the audit trail. */
export interface AuditEntry {
  at: string;
  requestId: string;
  /** `call`, `part`, `call.refused`, `config.changed`, `permission.changed` … */
  event: string;
  actorId: string;
  actorRole: string;
  actorIp?: string;
  provider?: string;
  operation?: string;
  part?: string;
  state: "in_progress" | "ended" | "refused" | "outcome_unknown" | "recorded";
  /** `ok` or an error code. */
  outcome?: "ok" | ErrorCode;
  endedAt?: string;
  argumentsDigest?: string;
  detail?: Json;
}

export interface AuditPage {
  entries: AuditEntry[];
  /** Where to read on; absent at the end. */
  next?: Json;
}

/** What verifying a school's audit chain found. */
export interface Verification {
  intact: boolean;
  /** Rows that verify. */
  rows: number;
  streams: { stream: string; rows: number; head: string }[];
  /** The first break of each stream that has one. */
  broken: { stream: string; seq: number; id: string | null; kind: string }[];
}

export interface StatsRequest extends TenantRequest {
  from?: string;
  to?: string;
}

export interface Stats {
  from: string | null;
  to: string | null;
  calls: number;
  errors: number;
  costs: { currency: string; micros: number }[];
  operations: {
    provider: string;
    operation: string;
    calls: number;
    errors: number;
    attempts: number;
    units: number;
    costs: { currency: string; micros: number }[];
    averageUs: number;
    longestUs: number;
  }[];
}

export interface HealthReport {
  provider: string;
  status: "healthy" | "degraded" | "unhealthy" | "not_configured" | "disabled" | "not_applicable" | "denied";
  checkedAt: string;
  latencyMs?: number;
  code?: ErrorCode;
  message?: string;
  healthyAt?: string;
}

/** A webhook as the host received it: its body to the byte, as text where it is UTF-8, else as base64. */
export interface WebhookRequest {
  provider: string;
  /** The address as the vendor called it. */
  url: string;
  headers?: { [name: string]: string };
  body?: string;
  bodyBase64?: string;
}

/** What became of a webhook. Answer the vendor with 200, or with `reply` where there is one. */
export interface WebhookReceipt {
  tenant: string;
  events: { id: string; duplicate: boolean; event: JsonObject }[];
  reply?: { status: number; contentType: string; body: string };
}

export interface WebhooksRequest extends TenantRequest {
  filter?: {
    provider?: string;
    state?: WebhookState;
    /** 1 to 500. Default: 100. */
    limit?: number;
    /** The `next` of the page before. */
    cursor?: Json;
  };
}

export type WebhookState = "pending" | "claimed" | "done" | "failed" | "dead";

/** One event in the webhook log. */
export interface WebhookEntry {
  id: string;
  at: string;
  provider: string;
  eventId: string;
  kind: string;
  state: WebhookState;
  attempts: number;
  nextAttemptAt?: string;
  error?: string;
}

export interface WebhookPage {
  events: WebhookEntry[];
  /** Where to read on; absent at the end. */
  next?: Json;
}

/** How far a message has come, as its vendor reports it. */
export interface DeliveryStatus {
  provider: string;
  messageId: string;
  /** Of several copies: how far the last of those has come that have not failed; `failed` only if all have. */
  state: DeliveryStage;
  /** The vendor's code for why it did not arrive. */
  reason?: string;
  at: string;
  /** How many copies have come how far, where more than one went out under this id. */
  copies?: { [Stage in DeliveryStage]?: number };
}

export type DeliveryStage = "accepted" | "queued" | "sending" | "sent" | "delivered" | "read" | "failed";

/** What a vendor tells us about, until when. */
export interface Subscription {
  id: string;
  provider: string;
  resource: string;
  vendorId: string;
  state: string;
  expiresAt?: string;
  renewAt?: string;
  error?: string;
  createdBy: string;
}

export interface BeginConsentRequest extends ProviderRequest {
  consent: { redirectUri: string; scopes?: string[]; loginHint?: string };
}

/** Where to send the administrator's browser. */
export interface ConsentStart {
  url: string;
  state: string;
  expiresAt: string;
}

export interface CompleteConsentRequest extends ProviderRequest {
  /** What the vendor's page sent back in the query. */
  answer: { state: string; code?: string; error?: string };
}

/** A provider and the names of its operations. */
export interface ListedProvider {
  provider: string;
  name: string;
  /** Whether the platform has settings for schools that have none. */
  hasDefaultConfig: boolean;
  operations: string[];
}

/** A provider with its settings and operations. In this package a schema is `true`: it would weigh too much. */
export interface DescribedProvider {
  provider: string;
  name: string;
  recipient: string;
  purpose: string;
  docs: string;
  config: Json;
  operations: { name: string; access: string; urgent: boolean; arguments: Json; answer: Json }[];
}

/** Every function, with its request and its answer: what `Manager.call` takes. */
export interface Functions {
  execute: [ExecuteRequest, ExecuteReply];
  configure: [ConfigureRequest, ConfigView];
  config: [ProviderRequest, ConfigView];
  configs: [TenantRequest, { integrations: ConfigView[] }];
  setPermissions: [GrantRequest, Required<Grant>];
  permissions: [PermissionsRequest, Required<Grant>];
  createApiKey: [ApiKeyRequest, NewApiKey];
  apiKeys: [TenantRequest, { apiKeys: ApiKey[] }];
  revokeApiKey: [IdRequest, { id: string }];
  authenticateApiKey: [{ key: string }, { tenant: string; actor: Actor }];
  audit: [AuditRequest, AuditPage];
  verifyAudit: [TenantRequest, Verification];
  stats: [StatsRequest, Stats];
  health: [ProviderRequest, HealthReport];
  healthAll: [TenantRequest, { integrations: HealthReport[] }];
  receiveWebhook: [WebhookRequest, WebhookReceipt];
  webhookRoute: [ProviderRequest, { route: string }];
  webhooks: [WebhooksRequest, WebhookPage];
  replayWebhook: [IdRequest, WebhookEntry];
  delivery: [ProviderRequest & { messageId: string }, DeliveryStatus];
  subscriptions: [TenantRequest, { subscriptions: Subscription[] }];
  beginConsent: [BeginConsentRequest, ConsentStart];
  completeConsent: [CompleteConsentRequest, ConfigView];
  providers: [Record<string, never>, { providers: ListedProvider[] }];
  provider: [{ provider: string }, DescribedProvider];
  ready: [Record<string, never>, { status: "ok" }];
  renewSubscriptions: [Record<string, never>, { renewed: number }];
  mergeJournal: [Record<string, never>, { merged: number }];
  deleteExpired: [Record<string, never>, Record<string, never>];
}

/** The hub: providers, records and keys, for all tenants of this process. */
export class Manager {
  private constructor();

  /** Opens a manager. Its records live in memory and end with the process. */
  static open(options: OpenOptions): Promise<Manager>;

  /** Makes one call to a vendor: authorised, recorded, sent, answered. */
  execute<Output = Json>(request: ExecuteRequest): Promise<ExecuteReply<Output>>;

  /** Changes a school's settings for a provider. For its administrators. */
  configure(request: ConfigureRequest): Promise<ConfigView>;

  /** Says what a user may do with a provider beside the role's default. For the school's administrators. */
  grant(request: GrantRequest): Promise<Required<Grant>>;

  /** Calls any function by its name. */
  call<Name extends keyof Functions>(name: Name, request: Functions[Name][0]): Promise<Functions[Name][1]>;

  /** Lets no further call in, waits for those under way, and closes the storage. Default: 30000 ms. */
  close(deadlineMs?: number): Promise<void>;
}

/**
 * Loads the WebAssembly module. `Manager.open` does so by itself; call this first where the module must come from
 * elsewhere than beside the package.
 */
export function initialize(module?: WebAssembly.Module | BufferSource | URL | string | Response | Promise<Response>): Promise<void>;

/** Every error code with its number. */
export function errorCodes(): Promise<Record<ErrorCode, number>>;
