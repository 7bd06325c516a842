"""Every key that we keep in Redis, and the only place that makes one.

All begin with `glossator:`, left out below, but for Dramatiq's own. One Redis holds them all:
scripts touch several keys at once, so they may not be spread over a cluster. KEEP is the setting
KEEP_DAYS; a key whose lifetime is told "since" something is given it anew each time. What says
"while ..." is deleted when that ends.

Deliveries and messages
  delivery:<guid>                            string  4 days; a delivery that was queued
  delivery_content:<content>                 string  4 days, KEEP for what a person asked for; GUID
                                                     of the delivery that said it first
  queued_deliveries                          set     while any wait; installations that have some
  queued_deliveries:<installation_id>        list    while any wait; their messages, oldest first
  active_deliveries:<installation_id>        set     while any are handled; ids of their messages
  redelivery_checked_until                   string  for ever; Unix time up to which we looked
  redis_run_id                               string  for ever; of the Redis that was asked last
  redeliveries                               zset    while any are due; attempt and guid by when
  redelivered:<attempt_id>                   string  4 days; that attempt was asked for again
  redelivery_count:<guid>                    string  4 days; how often that delivery was
  executed_commands:<review_id>              hash    4 days; position in a comment -> what was said
  notified:<notice>                          string  KEEP; id of the comment that was told a thing
  notification_sent:<notification>           string  4 days; an address has it

Reviews
  review:<review_id>                         hash    KEEP since its end; see bot.store.reviews
  events:<review_id>                         stream  KEEP since its end; what the feed tells
  active                                     zset    for ever; unfinished reviews by when opened
  ending                                     zset    for ever; ended without a report or before
                                                     their check runs were completed, until they are
  reviews                                    zset    for ever; all that are kept, by when opened
  ended_reviews                              hash    for ever; state -> how many ended in it
  running:<installation_id>                  set     while any run; reviews that have a slot
  parked:<installation_id>                   list    while any wait; reviews that wait for a slot
  after:<review_id>                          hash    while it runs; review id -> messages that
                                                     start it afterwards
  scan:<review_id>                           string  while it runs, KEEP at most; compressed Scan
  batches:<review_id>                        hash    while it runs; number -> compressed Batch
  results:<review_id>                        hash    while it runs; number -> compressed BatchResult
  stage_starts:<review_id>:<stage>           set     1 day; starts of a stage without an end yet
  attempt_usage:<review_id>:<batch>          list    1 day; Usage of each try without a result
  report:<review_id>                         string  KEEP; compressed Report
  rendering:<review_id>:<form>               string  KEEP; the report in one format
  pending:<review_id>                        string  KEEP; compressed PendingRequest

Pull requests and repositories
  pull:<repository_id>:<number>              hash    KEEP since its last use; see
                                                     bot.store.pull_requests
  head:<repository_id>:<sha>                 set     KEEP since its last use; numbers of the pull
                                                     requests reviewed or skipped at that commit
  posted:<repository_id>:<number>            set     KEEP since its last use; fingerprints of the
                                                     findings that are inline comments there
  posted_summary:<repository_id>:<number>    string  KEEP since its last use; PostedSummary
  file_results:<repository_id>:<number>      hash    KEEP since its last use; BatchFile.key ->
                                                     compressed FileResult
  open_findings:<repository_id>:<number>     list    KEEP since its last use; compressed Findings of
                                                     the model that we reported or people dismissed
  dismissed:<repository_id>:<number>         set     KEEP since its last use; fingerprints
  suppressions:<repository_id>               hash    for ever; fingerprint -> Suppression (each goes
                                                     after SUPPRESSION_DAYS without use)
  preferences:<installation_id>:<repository_id> hash until the App leaves it; number -> Preference
                                                     (each goes after SUPPRESSION_DAYS without use),
                                                     `newest` -> the last number
  preference_repositories                    hash    for ever; <installation_id>:<repository_id> ->
                                                     owner/name of those that have any
  outcomes:<repository_id>:<number>          hash    until OUTCOME_DAYS after its last change;
                                                     posted findings and what became of them
  outcome_pulls                              zset    until OUTCOME_DAYS after it, each;
                                                     <repository_id>:<number> by when a finding
                                                     was last posted
  outcome_counts                             hash    for ever; what happened, category, severity and
                                                     source -> how many findings, or seconds
  unsuppressed:<request>                     string  4 days; the Suppression that it removed
  preference_removed:<request>               string  4 days; it removed a preference
  missing_defaults:<installation_id>         string  10 minutes; it has no organization defaults
  ticket:<digest>                            string  10 minutes; what a ticket says, without secrets
  without_dependencies                       set     KEEP since its last use; repositories without
                                                     GitHub's dependency review

Usage and the LLM
  quota:<installation_id>:<day>              set     2 days; ids of the reviews of that day (UTC)
  author_quota:<who>:<hour>                  set     2 hours; ids of the reviews of that hour that
                                                     <installation_id>:<author> had
  usage:<day>                                hash    KEEP; <installation_id>:tokens and :cost
  question_usage:<day>                       hash    KEEP; <repository_id>:tokens and :cost
  llm_spent:<scope>                          string  2 days; tokens reserved or used of a budget
  llm_answer:<digest>                        string  7 days; a compressed answer
  llm_capabilities:<digest>                  string  1 day; Capabilities of a model
  llm_leases:<endpoint>                      zset    while any are held; calls in flight by expiry
  llm_waiters:<endpoint>                     zset    1 day; who waits for a slot, by ticket
  llm_polls:<endpoint>                       zset    1 day; who waits, by when they last asked
  llm_limit:<endpoint>                       hash    1 day; limit, since, next, pause, ticket

Audit
  audit                                      stream  for ever; AuditEntry (AUDIT_DAYS each)
  audited:<once>                             string  4 days; that was recorded

Web
  session:<session_id>                       string  1 hour; a Session
  sign_in:<state>                            string  10 minutes; PKCE verifier, and review
  sign_in_attempts:<network>                 string  1 minute; how many tokens were tried
  idempotency:<digest>                       string  1 day; review id and digest of the request

Processes
  format                                     string  for ever; newest format that was written here
  lock:<name>                                string  seconds, renewed while held
  once:<name>                                string  the span in which a thing is done once
  metrics                                    hash    for ever; series -> sum
  metrics_limits                             hash    for ever; installation -> `<left>:<until>`
  metrics_gauges                             hash    for ever; process -> its gauges, as JSON

Dramatiq's, as its Redis broker keeps them (dramatiq/brokers/redis/dispatch.lua); a queue of
delayed messages has the name of its queue and `.DQ`
  dramatiq:<queue>                           list    while any wait; ids of messages
  dramatiq:<queue>.msgs                      hash    until acknowledged; id -> message, as JSON
  dramatiq:<queue>.XQ                        zset    7 days each; ids of dead letters by when
  dramatiq:<queue>.XQ.msgs                   hash    7 days each; id -> dead letter, as JSON
  dramatiq:__acks__.<worker>.<queue>         set     while any are handled; ids that a worker took
  dramatiq:__heartbeats__                    zset    for ever; workers by their last sign of life
"""

PREFIX = "glossator:"
NAMESPACE = "dramatiq"

# Deliveries and messages

QUEUED_DELIVERIES = f"{PREFIX}queued_deliveries"
REDELIVERY_CHECKED_UNTIL = f"{PREFIX}redelivery_checked_until"
REDIS_RUN_ID = f"{PREFIX}redis_run_id"
REDELIVERIES = f"{PREFIX}redeliveries"


def delivery(guid: str) -> str:
    return f"{PREFIX}delivery:{guid}"


def delivery_content(content: str) -> str:
    return f"{PREFIX}delivery_content:{content}"


def queued_deliveries(installation_id: int) -> str:
    return f"{PREFIX}queued_deliveries:{installation_id}"


def active_deliveries(installation_id: int) -> str:
    return f"{PREFIX}active_deliveries:{installation_id}"


def redelivered(attempt_id: int) -> str:
    return f"{PREFIX}redelivered:{attempt_id}"


def redelivery_count(guid: str) -> str:
    return f"{PREFIX}redelivery_count:{guid}"


def executed_commands(review_id: str) -> str:
    return f"{PREFIX}executed_commands:{review_id}"


def notified(notice: str) -> str:
    return f"{PREFIX}notified:{notice}"


# Reviews

ACTIVE = f"{PREFIX}active"
ENDING = f"{PREFIX}ending"
REVIEWS = f"{PREFIX}reviews"
ENDED_REVIEWS = f"{PREFIX}ended_reviews"


def review(review_id: str) -> str:
    return f"{PREFIX}review:{review_id}"


def events(review_id: str) -> str:
    return f"{PREFIX}events:{review_id}"


def running(installation_id: int) -> str:
    return f"{PREFIX}running:{installation_id}"


def parked(installation_id: int) -> str:
    return f"{PREFIX}parked:{installation_id}"


def after(review_id: str) -> str:
    return f"{PREFIX}after:{review_id}"


def scan(review_id: str) -> str:
    return f"{PREFIX}scan:{review_id}"


def batches(review_id: str) -> str:
    return f"{PREFIX}batches:{review_id}"


def results(review_id: str) -> str:
    return f"{PREFIX}results:{review_id}"


def stage_starts(review_id: str, stage: str) -> str:
    return f"{PREFIX}stage_starts:{review_id}:{stage}"


def attempt_usage(review_id: str, batch: int) -> str:
    return f"{PREFIX}attempt_usage:{review_id}:{batch}"


def report(review_id: str) -> str:
    return f"{PREFIX}report:{review_id}"


def rendering(review_id: str, form: str) -> str:
    return f"{PREFIX}rendering:{review_id}:{form}"


def pending(review_id: str) -> str:
    return f"{PREFIX}pending:{review_id}"


# Pull requests and repositories


def pull(repository_id: int, number: int) -> str:
    return f"{PREFIX}pull:{repository_id}:{number}"


def head(repository_id: int, sha: str) -> str:
    return f"{PREFIX}head:{repository_id}:{sha}"


def posted(repository_id: int, number: int) -> str:
    return f"{PREFIX}posted:{repository_id}:{number}"


def posted_summary(repository_id: int, number: int) -> str:
    return f"{PREFIX}posted_summary:{repository_id}:{number}"


def file_results(repository_id: int, number: int) -> str:
    return f"{PREFIX}file_results:{repository_id}:{number}"


def open_findings(repository_id: int, number: int) -> str:
    return f"{PREFIX}open_findings:{repository_id}:{number}"


def dismissed(repository_id: int, number: int) -> str:
    return f"{PREFIX}dismissed:{repository_id}:{number}"


def suppressions(repository_id: int) -> str:
    return f"{PREFIX}suppressions:{repository_id}"


PREFERENCE_REPOSITORIES = f"{PREFIX}preference_repositories"


def preferences(installation_id: int, repository_id: int) -> str:
    return f"{PREFIX}preferences:{installation_id}:{repository_id}"


def preference_removed(request: str) -> str:
    return f"{PREFIX}preference_removed:{request}"


OUTCOME_PULLS = f"{PREFIX}outcome_pulls"
OUTCOME_COUNTS = f"{PREFIX}outcome_counts"


def outcomes(repository_id: int, number: int) -> str:
    return f"{PREFIX}outcomes:{repository_id}:{number}"


def unsuppressed(request: str) -> str:
    return f"{PREFIX}unsuppressed:{request}"


def missing_defaults(installation_id: int) -> str:
    return f"{PREFIX}missing_defaults:{installation_id}"


def ticket(digest: str) -> str:
    return f"{PREFIX}ticket:{digest}"


WITHOUT_DEPENDENCIES = f"{PREFIX}without_dependencies"


# Audit

AUDIT = f"{PREFIX}audit"


def audited(once: str) -> str:
    return f"{PREFIX}audited:{once}"


# Usage and the LLM


def quota(installation_id: int, day: str) -> str:
    return f"{PREFIX}quota:{installation_id}:{day}"


def author_quota(who: str, hour: int) -> str:
    return f"{PREFIX}author_quota:{who}:{hour}"


def usage(day: str) -> str:
    return f"{PREFIX}usage:{day}"


def question_usage(day: str) -> str:
    return f"{PREFIX}question_usage:{day}"


def llm_spent(scope: str) -> str:
    return f"{PREFIX}llm_spent:{scope}"


def llm_answer(digest: str) -> str:
    return f"{PREFIX}llm_answer:{digest}"


def llm_capabilities(digest: str) -> str:
    return f"{PREFIX}llm_capabilities:{digest}"


def llm_leases(endpoint: str) -> str:
    return f"{PREFIX}llm_leases:{endpoint}"


def llm_waiters(endpoint: str) -> str:
    return f"{PREFIX}llm_waiters:{endpoint}"


def llm_polls(endpoint: str) -> str:
    return f"{PREFIX}llm_polls:{endpoint}"


def llm_limit(endpoint: str) -> str:
    return f"{PREFIX}llm_limit:{endpoint}"


# Web


def session(session_id: str) -> str:
    return f"{PREFIX}session:{session_id}"


def sign_in(state: str) -> str:
    return f"{PREFIX}sign_in:{state}"


def sign_in_attempts(network: str) -> str:
    return f"{PREFIX}sign_in_attempts:{network}"


def idempotency(digest: str) -> str:
    return f"{PREFIX}idempotency:{digest}"


# Processes

FORMAT = f"{PREFIX}format"
METRICS = f"{PREFIX}metrics"
METRICS_LIMITS = f"{PREFIX}metrics_limits"
METRICS_GAUGES = f"{PREFIX}metrics_gauges"


def lock(name: str) -> str:
    return f"{PREFIX}lock:{name}"


def once(name: str) -> str:
    return f"{PREFIX}once:{name}"


# Dramatiq's

HEARTBEATS = f"{NAMESPACE}:__heartbeats__"


def queue(queue: str) -> str:
    return f"{NAMESPACE}:{queue}"


def queue_messages(queue: str) -> str:
    return f"{NAMESPACE}:{queue}.msgs"


def notification_sent(notification: str) -> str:
    return f"{PREFIX}notification_sent:{notification}"


def dead_letters(queue: str) -> str:
    return f"{NAMESPACE}:{queue}.XQ"


def dead_letter_messages(queue: str) -> str:
    return f"{NAMESPACE}:{queue}.XQ.msgs"


def acks(worker: str, queue: str) -> str:
    return f"{NAMESPACE}:__acks__.{worker}.{queue}"
