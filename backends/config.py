"""The typed configuration: every field with its default, unit and meaning.

`config.example.yaml` is written from these classes (`cutover config example`), and a test keeps the two equal.
Reading a file is `backends.config_file`; nothing here does I/O.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def knob(
    default: Any, doc: str, *, low: float | None = None, high: float | None = None, choices: Any = (), form: str = ""
) -> Any:
    """Declare a config field: default, meaning (with its unit), and what is allowed."""
    meta = {"doc": doc, "low": low, "high": high, "choices": tuple(choices), "form": form}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=meta)
    return field(default=default, metadata=meta)


@dataclass(frozen=True, slots=True, kw_only=True)
class WikiConfig:
    """The wiki, and how its URLs look (wikibase.md 0.1)."""

    url: str = knob(
        "http://127.0.0.1:8080",
        "where the wiki's web server listens; the only field without a real default",
        form="url",
    )
    host_header: str = knob(
        "client", "the Host that the wiki sees: the client's own, or the wiki's", choices=("client", "wiki")
    )
    server: str = knob("", "the wiki's own address ($wgServer) in Location headers; empty: as `url`", form="url")
    script_paths: tuple[str, ...] = knob(
        ("/w", ""), "where api.php, index.php and rest.php are; an empty string: the root"
    )
    article_path: str = knob("/wiki/$1", "the wiki's $wgArticlePath")
    entity_namespaces: Mapping[str, int] = knob({"item": 120, "property": 122}, "entity type: number of its namespace")
    namespace_names: Mapping[str, int] = knob(
        {"Item": 120, "Property": 122}, "name (canonical, localised or alias) of each entity namespace: its number"
    )
    special_names: tuple[str, ...] = knob(("Special",), "names of the namespace Special, localised ones too")
    entitydata_names: tuple[str, ...] = knob(
        ("EntityData",), "names of the page Special:EntityData, localised ones too"
    )
    api_timeout_s: float = knob(30.0, "seconds to wait for an answer to a request of ours", low=0.1)
    api_requests_max: int = knob(4, "requests of ours under way at once", low=1, high=64)
    api_maxlag_s: int = knob(5, "maxlag that our requests carry, in seconds", low=1)
    api_tries_max: int = knob(5, "tries of one request before giving up", low=1)
    api_patience_s: float = knob(600.0, "seconds that an overloaded wiki is waited for before giving up", low=1.0)
    user_agent: str = knob("cutover (parity verifier)", "how our own requests name themselves")
    database: str = knob(
        "",
        "the wiki's database, read-only: mysql://USER@HOST:PORT/DATABASE?prefix=PREFIX (CUTOVER_WIKI_PASSWORD);"
        " empty: the Action API alone",
        form="dsn",
    )
    clusters: Mapping[str, str] = knob(
        {}, 'external text storage, name: "DATABASE", "DATABASE.TABLE", or an address as of `database`'
    )
    legacy_encoding: str = knob("", "the wiki's $wgLegacyEncoding, if it ever had one")
    database_connections_max: int = knob(4, "connections to the wiki's database", low=1, high=64)
    database_timeout_s: float = knob(60.0, "seconds that one query of the wiki's database may take", low=1.0)
    heartbeat: str = knob("", '"database.table" of pt-heartbeat, where the lag of a replica is told so; empty: asked')


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyConfig:
    """The inline reverse proxy: where it listens, whom it trusts, its limits."""

    listen: str = knob("127.0.0.1:8000", "address and port for clients; port 0: any free one", form="address")
    admin_listen: str = knob(
        "127.0.0.1:8001", "address and port of /healthz, /readyz, /metrics and /status", form="address"
    )
    trusted_proxies: tuple[str, ...] = knob(
        (), "networks (CIDR) whose X-Forwarded-* headers are believed and extended", form="networks"
    )
    rewrite_location: bool = knob(
        default=False, doc="turn absolute Location headers that name the wiki's address into the client's"
    )
    connect_timeout_s: float = knob(3.0, "seconds to wait for a connection to the wiki", low=0.01)
    answer_timeout_s: float = knob(180.0, "seconds from the end of a request to the wiki's first byte", low=0.1)
    idle_timeout_s: float = knob(60.0, "seconds in which a body must move on, in either direction", low=0.1)
    head_timeout_s: float = knob(20.0, "seconds in which a new client must send a request", low=0.1)
    keepalive_s: float = knob(75.0, "seconds that a client's idle connection is kept", low=0.1)
    linger_s: float = knob(2.0, "seconds that a refused client may take to read its answer", low=0.0)
    wiki_keepalive_s: float = knob(
        4.0, "seconds that an idle connection to the wiki is kept; less than the wiki's own", low=0.0
    )
    wiki_unsafe_reuse_s: float = knob(1.0, "seconds after which an idle connection carries no edit any more", low=0.0)
    wiki_connections_max: int = knob(256, "connections to the wiki", low=1)
    wiki_waiting_max: int = knob(1024, "requests that may wait for a connection to the wiki", low=0)
    clients_max: int = knob(4096, "connections of clients", low=1)
    head_bytes_max: int = knob(65536, "bytes of a request's or answer's head", low=1024)
    buffer_bytes_max: int = knob(
        262144, "bytes buffered in each direction of a connection before the sender is stopped", low=4096
    )
    drain_timeout_s: float = knob(30.0, "seconds that exchanges under way get to end when the proxy stops", low=0.0)
    retry_after_s: int = knob(5, "Retry-After of the answers given in the wiki's stead, in seconds", low=1)
    legacy_routes_every: int = knob(
        16, "in phases without comparison, one request in so many is recognised for the statistics", low=1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowConfig:
    """What is sampled for the verifier, and how much may be under way."""

    sample_rate: float = knob(1.0, "share of entity reads that is compared, 0 to 1", low=0.0, high=1.0)
    body_bytes_max: int = knob(8388608, "bytes of an answer above which it is shed instead of sampled", low=1024)
    form_bytes_max: int = knob(262144, "bytes of a request's form above which it is shed instead of sampled", low=1024)
    tap_bytes_max: int = knob(67108864, "bytes of answers that the proxy holds for sampling at once", low=65536)
    queue_max: int = knob(256, "samples that wait in the proxy to be written to the spool", low=1)
    spool_bytes_max: int = knob(268435456, "bytes of samples that may wait for the verifier on disk", low=65536)
    spool_samples_max: int = knob(100000, "samples that may wait for the verifier on disk", low=1)
    flush_s: float = knob(0.1, "seconds after which waiting samples are written to the spool", low=0.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadsConfig:
    """Reads answered by the store. Whatever goes wrong there, the wiki answers."""

    answer_timeout_s: float = knob(1.0, "seconds that the store has for an answer; then the wiki answers", low=0.001)
    at_once_max: int = knob(256, "reads that the store makes at once; the wiki answers what is beyond", low=1)
    form_bytes_max: int = knob(1048576, "bytes of a form that are waited for to tell a read from an edit", low=1024)
    breaker_failures: int = knob(10, "failures in a row after which the store is left alone", low=1)
    breaker_share: float = knob(0.5, "or this share of failures among at least 20 tries in 10 s", low=0.01, high=1.0)
    breaker_open_s: float = knob(5.0, "seconds for which it is left alone; longer each time", low=0.01)
    fragments_bytes: int = knob(67108864, "bytes of ready pieces of answers kept in memory by each worker", low=0)
    shadow_every_s: float = knob(
        0.2, "in shadow reads, seconds between two reads that are made from the store too, to measure it", low=0.001
    )
    shadow_bytes_max: int = knob(16384, "bytes of the wiki's answer above which that is not done", low=0)
    surfaces: tuple[str, ...] = knob(
        ("wbgetentities", "wbgetclaims", "entitydata", "rest"),
        "what the store answers; the wiki answers the others",
        form="surfaces",
    )
    rest_versions: tuple[str, ...] = knob(("v0",), "versions of the wiki's REST API that the store answers")
    absence_is_known: bool = knob(
        default=False, doc="say that an entity does not exist when the store lacks it; otherwise the wiki is asked"
    )
    data_types_s: float = knob(300.0, "seconds for which a property's data type is remembered", low=0.0, high=86400.0)
    absent_s: float = knob(5.0, "seconds for which a property is remembered as absent", low=0.0, high=3600.0)
    site_urls: Mapping[str, str] = knob(
        {}, "site id: address of its pages with $1 for the title, as the wiki's table `sites` has them"
    )
    facts_every_s: float = knob(3600.0, "seconds after which the wiki's languages and names are asked again", low=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    """The store: index and ledger. Embedded: SQLite under one directory. Passwords come from the environment."""

    path: str = knob("data", "directory of the embedded store, ledger and spool; relative to the config file")
    index: str = knob(
        "",
        "the index's database: mysql://USER@HOST:PORT/DATABASE or vitess://USER@HOST:PORT/SHARDED,UNSHARDED"
        " (password: CUTOVER_INDEX_PASSWORD); empty: embedded",
        form="dsn",
    )
    ledger: str = knob(
        "",
        "the ledger's database: mysql://USER@HOST:PORT/DATABASE or vitess://USER@HOST:PORT/UNSHARDED"
        " (password: CUTOVER_LEDGER_PASSWORD); empty: embedded",
        form="dsn",
    )
    connections_max: int = knob(16, "connections to each database", low=1, high=1000)
    connect_timeout_s: float = knob(5.0, "seconds to wait for a connection to a database", low=0.1)
    statement_timeout_s: float = knob(30.0, "seconds that one statement may take", low=0.1)
    turn_timeout_s: float = knob(10.0, "seconds to wait for one of the connections", low=0.1)
    busy_timeout_s: float = knob(10.0, "seconds to wait for another writer of the embedded database", low=0.1)
    hidden_content: str = knob(
        "left_out",
        "content that is hidden when it is written: left out, or kept under a prefix that the public never reads",
        choices=("left_out", "restricted"),
    )
    snapshots_at_once: int = knob(8, "snapshots of one write under way at once", low=1, high=256)
    cache_bytes: int = knob(268435456, "bytes of decoded content kept in memory by each reading process", low=0)
    absent_s: float = knob(1.0, "seconds for which an entity is remembered as absent; 0: never", low=0.0)
    broken_s: float = knob(5.0, "seconds for which a snapshot is remembered as broken", low=0.0)
    remembered_max: int = knob(10000, "entities or snapshots remembered as absent or broken", low=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotsConfig:
    """Where snapshots lie. S3's credentials come from the standard chain (environment, ~/.aws, role)."""

    kind: str = knob("files", "files: under store.path; s3: in a bucket", choices=("files", "s3"))
    bucket: str = knob("", "the bucket; `cutover bucket create` makes it")
    prefix: str = knob("", "before every key; empty, or ending with a slash")
    endpoint: str = knob("", "URL of the S3 server; empty: AWS's own of the region", form="url")
    region: str = knob("", "the bucket's region; empty: as the environment says")
    path_style: bool = knob(default=True, doc="the bucket is in the path of a URL instead of its host name")
    plain_http: bool = knob(default=False, doc="allow an endpoint on another machine without TLS")
    requests_max: int = knob(32, "requests to S3 at once", low=1, high=1000)
    timeout_s: float = knob(30.0, "seconds that one request may take", low=0.1)
    connect_timeout_s: float = knob(5.0, "seconds to wait for a connection", low=0.1)
    body_bytes_max: int = knob(268435456, "bytes of an object above which it is not read", low=1024)
    tries_max: int = knob(6, "tries of one request before giving up", low=1)
    retry_after_s: float = knob(0.2, "seconds before the second try; then doubled", low=0.01)
    retry_after_max_s: float = knob(10.0, "seconds between two tries, at most", low=0.01)
    retention_days: int = knob(0, "days of Object Lock that `cutover bucket create` sets; 0: none", low=0)
    bypass_governance: bool = knob(default=False, doc="destroy by order also what a GOVERNANCE lock holds")
    retention_mode: str = knob("GOVERNANCE", "the mode of that lock", choices=("GOVERNANCE", "COMPLIANCE"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportConfig:
    """The export of history."""

    entities_at_once: int = knob(4, "entities exported at once", low=1, high=64)
    batch_entities: int = knob(50, "entities between two checkpoints", low=1, high=500)
    span_pages: int = knob(10000, "pages that one worker leases at once", low=1)
    piece_bytes: int = knob(2097152, "bytes of one entity's text held at once", low=4096)
    lease_s: float = knob(60.0, "seconds after which the part of a worker that is silent goes to another", low=1.0)
    rows_per_s: float = knob(0.0, "revisions a second, at most; 0: as fast as it goes", low=0.0)
    lag_max_s: float = knob(5.0, "lag of the wiki's replica above which the export waits, in seconds", low=0.0)
    lag_patience_s: float = knob(3600.0, "seconds that it waits for it", low=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowerConfig:
    """The follower, which keeps the store current with the wiki (docs/follower.md)."""

    entities_at_once: int = knob(4, "entities brought at once", low=1, high=64)
    batch: int = knob(500, "rows read at once", low=1, high=500)
    poll_s: float = knob(0.5, "seconds between two looks when nothing was new", low=0.01)
    transaction_max_s: float = knob(
        3600.0,
        "seconds that a transaction of the wiki, and a replica's lag, may last where transactions cannot be listed",
        low=1.0,
    )
    transaction_margin_s: float = knob(
        2.0, "seconds between an id being given out and its transaction being listed", low=0.1
    )
    gaps_max: int = knob(5000, "gaps kept; more are joined", low=10)
    gap_first_look_s: float = knob(0.2, "seconds until a gap is looked at again; then doubled", low=0.01)
    gap_look_max_s: float = knob(30.0, "seconds between two looks at a gap, at most", low=0.1)
    look_again_s: float = knob(60.0, "seconds until an entity that changed is looked at once more", low=0.1)
    rewind_s: float = knob(300.0, "seconds to go back when the wiki's database was started anew", low=1.0)
    back_ids: int = knob(2000, "ids to go back besides, there and at the beginning", low=0)
    user_entities_max: int = knob(100000, "entities of a renamed or hidden user that are looked at", low=1)
    calls: int = knob(500, "entities called for that are answered together", low=1)
    retry_s: float = knob(2.0, "seconds until an entity is tried again; then doubled", low=0.01)
    retry_max_s: float = knob(300.0, "seconds between two tries, at most", low=0.1)
    tries_finding: int = knob(5, "tries after which it is a finding", low=1)
    say_s: float = knob(2.0, "seconds between two notes of the lag in the ledger", low=0.0)
    failed_s: float = knob(2.0, "seconds to wait after something outside failed", low=0.01)
    sweep_period_s: float = knob(86400.0, "seconds in which all heads are compared", low=1.0)
    sweep_batch: int = knob(500, "heads compared at once", low=1, high=500)
    sweep_settle_s: float = knob(10.0, "seconds after which a difference is a finding", low=0.0)
    sweep_recent: int = knob(200, "newest revisions whose entities are compared again and again", low=0, high=500)
    sweep_recent_every_s: float = knob(5.0, "seconds between two looks at those", low=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlConfig:
    """How workers agree on the phase (docs/flips.md)."""

    poll_s: float = knob(0.2, "seconds between two looks at what is agreed", low=0.01)
    lease_s: float = knob(
        3.0, "seconds after which a worker that cannot confirm the phase leaves reads to the wiki", low=0.01
    )
    margin_s: float = knob(1.0, "seconds by which clocks that run at different speeds are allowed for", low=0.01)
    prepare_timeout_s: float = knob(
        5.0, "seconds in which all workers must be ready for a flip, else nothing changes", low=0.01
    )
    settle_timeout_s: float = knob(10.0, "seconds in which all workers should act in the new phase", low=0.01)
    statement_timeout_s: float = knob(1.0, "seconds that the ledger has for one answer", low=0.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceConfig:
    """The fence: no client reads older than what it was told it wrote (docs/flips.md)."""

    look_timeout_s: float = knob(0.5, "seconds for one look at the floors; then the wiki answers", low=0.01)
    announce_timeout_s: float = knob(2.0, "seconds for a floor to be durable before an edit is sent", low=0.01)
    settle_wait_s: float = knob(0.25, "seconds that an answer waits for what it told to be durable", low=0.0)
    release_timeout_s: float = knob(5.0, "seconds that an answer waits where it may not be given before", low=0.01)
    answer_bytes_max: int = knob(16777216, "bytes of an answer to an edit above which it is not read", low=1024)
    owed_max: int = knob(10000, "edits whose end could not be written down yet", low=1)
    upkeep_s: float = knob(2.0, "seconds between two rounds of upkeep", low=0.01)
    without_ledger: str = knob(
        "refuse",
        "what becomes of an edit that cannot be announced: told to wait, or passed on",
        choices=("refuse", "pass"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FsckConfig:
    """The check of the store."""

    entities_at_once: int = knob(8, "entities checked at once", low=1, high=256)
    recheck_after_s: float = knob(1.0, "seconds after which a finding is looked at again before it counts", low=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierConfig:
    """The judge."""

    parallel: int = knob(4, "samples judged at once", low=1, high=64)
    batch: int = knob(64, "samples taken from the spool at once", low=1)
    poll_s: float = knob(0.2, "seconds between two looks at an empty spool", low=0.01)
    judge_timeout_s: float = knob(60.0, "seconds that judging one sample may take", low=0.1)
    body_bytes_max: int = knob(67108864, "bytes of an unpacked answer above which it is not compared", low=1024)
    recheck_after_s: float = knob(
        2.0, "seconds until something not comparable yet is looked at again; then doubled", low=0.01
    )
    recheck_tries_max: int = knob(6, "looks at something not comparable yet before it counts as stale", low=1)
    recheck_waiting_max: int = knob(10000, "samples that may wait to be looked at again", low=1)
    recheck_bytes_max: int = knob(268435456, "bytes of samples that may wait to be looked at again", low=1024)
    confirmations: int = knob(2, "looks that must see a wrong head before it is called one", low=1)
    revision_margin_s: float = knob(
        5.0, "an answer that names no revision is pinned only if the head is older by this, in seconds", low=0.0
    )
    rules: str = knob("", "file of normalisation rules, relative to the config file; empty: those that are shipped")
    recheck_max_s: float = knob(300.0, "seconds between two looks at something open, at most", low=0.01)
    noise_every_samples: int = knob(
        200, "after so many samples the wiki is compared with itself, for the rate of its own noise; 0: never", low=0
    )
    noise_rate_max: float = knob(0.001, "noise of the wiki itself that is borne without an alert", low=0.0, high=1.0)
    mismatch_age_alert_s: float = knob(3600.0, "age of a mismatch at which it is alerted again; 0: never", low=0.0)
    wiki_rate_max: float = knob(50.0, "requests a second to the wiki, at most", low=0.1)
    wiki_rate_min: float = knob(0.2, "requests a second to a wiki in trouble, at least", low=0.01)
    wiki_wait_max_s: float = knob(30.0, "seconds that one of our requests waits for its turn", low=0.1)
    case_body_bytes_max: int = knob(1048576, "bytes of each side kept with a mismatch; what is cut is said", low=1024)
    cases_max: int = knob(1000, "mismatches kept with both sides", low=1)
    cases_bytes_max: int = knob(67108864, "bytes of all of them, packed", low=65536)
    cases_age_max_s: float = knob(2592000.0, "seconds for which they are kept", low=1)
    case_recheck_s: float = knob(300.0, "seconds until a mismatch is looked at again; longer each time", low=1)
    history_read_whole_max: int = knob(
        200, "revisions of a history that are all compared to say since when it differs; longer ones by halving", low=1
    )
    mutant_every_samples: int = knob(100, "after so many samples the judge is shown a damaged copy; 0: never", low=0)
    mutant_every_s: float = knob(60.0, "or after so many seconds, whichever comes first; 0: never", low=0.0)
    proxy_grace_s: float = knob(
        300.0, "seconds after a new epoch in which samples of another proxy version open none", low=0.0
    )
    tuples_max: int = knob(2000000, "different comparisons (entity, revision, shape) remembered in an epoch", low=1)
    entities_max: int = knob(2000000, "different entities remembered in an epoch", low=1)
    ages_max: int = knob(10000, "mismatches whose age is followed", low=1)
    details_max: int = knob(10000, "verdicts of each outcome kept in detail; counts are kept for ever", low=1)
    webhook: str = knob("", "URL that gets a POST for each group of alerts; empty: log only", form="url")
    webhook_timeout_s: float = knob(5.0, "seconds to wait for the webhook", low=0.1)
    alert_every_s: float = knob(60.0, "seconds between two alerts of the same group", low=0.0)
    alerts_waiting_max: int = knob(256, "alerts that may wait to be sent", low=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityConfig:
    """What must be proven before reads may be answered by the store (docs/parity.md). Shares are from 0 to 1."""

    rate_max: float = knob(
        1e-4, "share of comparisons that may differ, at most, by traffic and by entity", low=0.0, high=1.0
    )
    stratum_rate_max: float = knob(1e-2, "the same within any one stratum", low=0.0, high=1.0)
    confidence: float = knob(0.95, "how sure the bound must be", low=0.5, high=0.999999)
    unproven_max: float = knob(0.01, "share that was shed or stayed inconclusive, at most", low=0.0, high=1.0)
    stratum_unproven_max: float = knob(0.05, "the same within any one stratum", low=0.0, high=1.0)
    recall_min: float = knob(0.5, "proven share of seeded damage that must be found out", low=0.0, high=1.0)
    blind_after: int = knob(10, "a kind of damage tried so often and never found out makes the result unknown", low=1)
    findings_max: int = knob(0, "findings that may be open", low=0)
    strata_by: tuple[str, ...] = knob(
        ("entity_type", "surface", "size", "age", "format"), "what strata are told apart by; fewer for a small wiki"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that can be set."""

    phase: str = knob(
        "prepare", "the phase of the migration", choices=("prepare", "export", "shadow_reads", "read_cutover")
    )
    wiki: WikiConfig = field(default_factory=WikiConfig)
    proxy: ProxyConfig = field(default_factory=ProxyConfig)
    shadow: ShadowConfig = field(default_factory=ShadowConfig)
    reads: ReadsConfig = field(default_factory=ReadsConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    snapshots: SnapshotsConfig = field(default_factory=SnapshotsConfig)
    export: ExportConfig = field(default_factory=ExportConfig)
    follower: FollowerConfig = field(default_factory=FollowerConfig)
    control: ControlConfig = field(default_factory=ControlConfig)
    fence: FenceConfig = field(default_factory=FenceConfig)
    fsck: FsckConfig = field(default_factory=FsckConfig)
    verifier: VerifierConfig = field(default_factory=VerifierConfig)
    parity: ParityConfig = field(default_factory=ParityConfig)
