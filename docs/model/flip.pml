/*
 * Flips, leases and the fence, small: two workers, one entity, one editing client, one reading client.
 *
 * What is modelled: rules/flips.py (whom a flip waits for), backends/ledger/control_flips.py (prepare, ready, commit or
 * abort, settle), proxy/control.py (leases), proxy/fence.py and proxy/fence_edits.py (announce, settle, tell).
 * A worker that is paused, cut off or slow is one that does not take its next step for any time at all; time itself is
 * left out: "the lease is over" may happen at any moment, and others count on it only after it did.
 *
 * Checked: invariant 6 (a client that was told of a revision never reads less, from any worker) and invariant 7 (no two
 * workers act more than one phase apart). Each -DBROKEN_... leaves out one rule; each must be found out.
 */

#define WORKERS 2
#define EXPORT 0
#define SHADOW 1
#define CUTOVER 2

#ifndef EDITS
#define EDITS 1
#endif
#ifndef FLIPS
#define FLIPS 2
#endif

/* The ledger. */
byte agreed = SHADOW, previous = SHADOW, pending = SHADOW;
bool preparing = false, settled = true;
byte flip = 0;                  /* number of the last flip that was prepared */
byte version = 0;
bool open_[WORKERS];            /* an edit of this worker's is announced and not settled */
byte floor_ = 0;                /* the highest revision that was written down */
byte asked = 0, passed = 0, hold = 0;   /* rounds of the follower; reads are held until round `hold` is over */

/* The workers. */
byte acts[WORKERS] = SHADOW, knows[WORKERS] = 0, ready[WORKERS] = 0;
bool fenced[WORKERS], lease[WORKERS];
bool unbroken[WORKERS];         /* the lease has held ever since the present edit was announced */
byte bare[WORKERS];             /* edits under way that were not announced */

/* The world. */
byte wiki = 0, store = 0, told = 0;

#define FENCE_AGREED (agreed == CUTOVER || (!settled && previous == CUTOVER) || (preparing && pending == CUTOVER))

/* Who has no lease leaves reads to the wiki. */
#ifdef BROKEN_NO_LEASE
#define ACTING(w) acts[w]
#else
#define ACTING(w) ((acts[w] == CUTOVER && !lease[w]) -> SHADOW : acts[w])
#endif

inline check_apart() {
    assert(ACTING(0) <= ACTING(1) + 1 && ACTING(1) <= ACTING(0) + 1)
}

inline look_at_ledger(w) {
    acts[w] = agreed;
    knows[w] = version;
#ifdef BROKEN_FENCE_OFF_EARLY
    fenced[w] = (agreed == CUTOVER || (preparing && pending == CUTOVER));
#else
    fenced[w] = FENCE_AGREED;
#endif
    lease[w] = true;
    if
    :: preparing && (bare[w] == 0 || !fenced[w]) -> ready[w] = flip
    :: else
    fi;
    check_apart()
}

active [WORKERS] proctype worker() {
    byte me = _pid;
    end: do
    :: atomic { (knows[me] != version || !lease[me] || fenced[me] != FENCE_AGREED || (preparing && ready[me] != flip)) ->
            look_at_ledger(me) }
    :: atomic { lease[me] -> lease[me] = false; unbroken[me] = false; check_apart() }
    od
}

#define GONE_OR(w, condition) (!lease[w] || condition)

active proctype operator() {
    byte wanted;
    bool everyone, back;
    end: do
    :: flip < FLIPS && settled && !preparing ->
        atomic {
            if
            :: agreed < CUTOVER -> wanted = agreed + 1
            :: agreed > EXPORT -> wanted = agreed - 1
            fi;
            everyone = (wanted == CUTOVER);
            back = (wanted < agreed);
            flip++; pending = wanted; preparing = true
        };
        if
#ifdef BROKEN_NOT_READY
        :: true
#else
        :: back
        :: !back && everyone && ready[0] == flip && ready[1] == flip
        :: !back && !everyone && GONE_OR(0, ready[0] == flip) && GONE_OR(1, ready[1] == flip)
#endif
        :: atomic { !back -> preparing = false; wanted = agreed }      /* not ready in time */
        fi;
        if
        :: atomic { preparing -> previous = agreed; agreed = wanted; preparing = false; settled = false; version++;
#ifndef BROKEN_NO_HOLD
            if
            :: everyone -> asked++; hold = asked
            :: else
            fi;
#endif
            everyone = false };
            atomic { (GONE_OR(0, knows[0] == version) && GONE_OR(1, knows[1] == version)) -> settled = true }
        :: else
        fi
    od
}

/* Reads everything that the wiki had when the round began, some time later. */
active proctype follower() {
    byte number, seen;
    end: do
    :: atomic { (store < wiki || passed < asked) -> number = asked; seen = wiki };
        atomic { store = (seen > store -> seen : store);
                 passed = (number > passed -> number : passed); number = 0; seen = 0 }
    od
}

/* Takes over announced edits of a worker whose lease is over: the follower will find what they made. */
active proctype upkeep() {
    end: do
    :: atomic { open_[0] && !lease[0] -> open_[0] = false; asked++; hold = asked }
    :: atomic { open_[1] && !lease[1] -> open_[1] = false; asked++; hold = asked }
    od
}

active proctype editor() {
    byte w, made, edits = 0;
    bool announced;
    end: do
    :: edits < EDITS ->
        edits++;
        atomic {                                /* the request comes, at any worker */
            if :: w = 0 :: w = 1 fi;
            announced = fenced[w];
            unbroken[w] = lease[w];
            if
            :: announced ->
#ifndef BROKEN_TELL_FIRST
                open_[w] = true
#else
                skip
#endif
            :: else -> bare[w]++
            fi
        };
        atomic { wiki++; made = wiki };         /* the wiki saves it */
        if                                      /* the client is told, and what it was told is written down */
        :: atomic { !announced -> told = made; bare[w]-- }
#if defined(BROKEN_TELL_WITHOUT_LEASE)
        :: atomic { announced -> told = made };
#elif defined(BROKEN_LEASE_REGAINED)
        :: atomic { announced && lease[w] -> told = made };
#else
        :: atomic { announced && unbroken[w] -> told = made };
#endif
            atomic { floor_ = (made > floor_ -> made : floor_); open_[w] = false }
        :: atomic { announced -> floor_ = (made > floor_ -> made : floor_); open_[w] = false };
            told = made
        :: atomic { announced -> open_[w] = false; asked++; hold = asked }     /* the client left */
        fi;
        atomic { w = 0; made = 0; announced = false; unbroken[0] = false; unbroken[1] = false }
    od
}

active proctype reader() {
    byte w, expects;
    bool clear;
    end: do
    :: atomic {
            if :: w = 0 :: w = 1 fi;
            expects = told;
            if
            :: ACTING(w) == CUTOVER -> clear = true
            :: else -> clear = false            /* the wiki answers */
            fi
        };
        if
        :: clear ->
            atomic { clear = (!open_[0] && !open_[1] && floor_ <= store && hold <= passed && ACTING(w) == CUTOVER) };
            if
            :: clear -> assert(store >= expects)        /* invariant 6 */
            :: else
            fi
        :: else
        fi;
        atomic { w = 0; expects = 0; clear = false }
    od
}
