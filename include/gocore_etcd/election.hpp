// Elections: one leader at a time among the candidates for a key, in order of arrival, and observers of it. What is promised
// under which conditions: section Election of gocore_etcd.h.
#ifndef GOCORE_ETCD_ELECTION_HPP
#define GOCORE_ETCD_ELECTION_HPP

#include "cancel.hpp"
#include "put.hpp"
#include "subscription.hpp"

#include <optional>

namespace gocore::etcd {

namespace detail {
class Lent;
} // namespace detail

/// How to be a candidate; zero is the default: a TTL of 15 s, no limit.
struct ElectionOptions {
    Milliseconds ttl{0};
    /// How long campaign waits, and what ends that early; candidacies and runs go on in the background.
    Milliseconds timeout{0};
    const CancelToken *cancel = nullptr;
};

/// Who leads, as anyone sees it. A value: it belongs to no client.
class Leader {
public:
    Leader() noexcept = default;
    /// Takes a leader of the C interface.
    explicit Leader(gocore_etcd_leader *handle) noexcept : handle_(handle) {}
    Leader(const Leader &other) noexcept : handle_(gocore_etcd_leader_clone(other.handle_.get())) {}
    Leader(Leader &&) noexcept = default;
    Leader &operator=(Leader other) noexcept
    {
        handle_.swap(other.handle_);
        return *this;
    }
    ~Leader() = default;

    /// What it has proclaimed last, at first the identity it campaigned with; lives as long as the leader.
    std::string_view identity() const noexcept
    {
        size_t len = 0;
        const char *identity = gocore_etcd_leader_identity(handle_.get(), &len);
        return {identity, len};
    }
    /// Its fencing token, higher than that of every leader before, until the cluster is restored from a backup.
    int64_t token() const noexcept { return gocore_etcd_leader_token(handle_.get()); }
    /// The revision at which its identity was written.
    int64_t revision() const noexcept { return gocore_etcd_leader_revision(handle_.get()); }

private:
    detail::Handle<gocore_etcd_leader, gocore_etcd_leader_free> handle_;
};

namespace detail {

template <typename T, typename Plain> std::optional<T> taken_as(Plain *handle) noexcept
{
    return handle == nullptr ? std::nullopt : std::optional<T>(std::in_place, handle);
}

/// Has a handler of leaders subscribed by `start(callback, user_data, user_free, out)`, a call of C.
template <typename Handler, typename Start>
Subscription observed(Handler &&handler, Error &error, Start &&start) noexcept
{
    using Data = UserData<Handler>;
    return contained(error, [&] {
        const gocore_etcd_leader_callback callback = [](void *data, const gocore_etcd_leader *leader,
                                                        const gocore_etcd_error *problem) {
            std::optional<Leader> leads = taken_as<Leader>(gocore_etcd_leader_clone(leader));
            guarded([&] { Data::of(data)(std::move(leads), Error(gocore_etcd_error_clone(problem))); });
        };
        void *data = Data::make(std::forward<Handler>(handler));
        gocore_etcd_subscription *subscription = nullptr;
        start(callback, data, Data::free, &subscription);
        return Subscription(subscription);
    });
}

} // namespace detail

/// A leadership. Destroyed, it is given back in the background. Its calls do not change the handle: work that is run as
/// leader has a const one.
class Leadership {
public:
    Leadership() noexcept = default;
    /// Takes a leadership of the C interface.
    explicit Leadership(gocore_etcd_leadership *handle) noexcept : handle_(handle) {}

    /// The full key of the election in etcd, for Kv; lives as long as the leadership. Client::leader and Client::observe take the
    /// key below the prefix: leader and observe of here ask about this election.
    std::string_view key() const noexcept { return detail::view(gocore_etcd_leadership_key(handle_.get())); }
    /// The fencing token: strictly increasing over the leaders of this key, until the cluster is restored from a backup.
    int64_t token() const noexcept { return gocore_etcd_leadership_token(handle_.get()); }
    /// A wait-free read; once false it stays false.
    bool is_leader() const noexcept { return gocore_etcd_leadership_is_leader(handle_.get()); }
    const gocore_etcd_leadership *get() const noexcept { return handle_.get(); }

    /// What it has proclaimed last, at first what it campaigned with; empty at an error.
    std::string identity(Error &error) const noexcept
    {
        return detail::contained(error, [&] {
            char *text = nullptr;
            gocore_etcd_leadership_identity(handle_.get(), &text, detail::Slot(error));
            const detail::Handle<char, gocore_etcd_string_free> held(text);
            return std::string(detail::view(text));
        });
    }
    /// Changes the identity that others see; the leadership and its token stay. False at an error.
    bool proclaim(const std::string &identity, Milliseconds timeout, Error &error) const noexcept
    {
        const char *text = detail::text(identity, "invalid argument: identity: must not contain NUL", error);
        return text != nullptr && gocore_etcd_leadership_proclaim(handle_.get(), text, timeout.count(),
                                                                  detail::Slot(error)) == GOCORE_ETCD_STATUS_OK;
    }
    /// Waits until it leads no longer; false when it still does after `timeout` (zero: no limit), or at an error.
    bool wait_lost(Milliseconds timeout, const CancelToken *cancel, Error &error) const noexcept
    {
        return gocore_etcd_leadership_wait_lost(handle_.get(), timeout.count(), detail::handle_of(cancel),
                                                detail::Slot(error)) == GOCORE_ETCD_STATUS_OK;
    }
    /// Gives it back; false at an error.
    bool resign(Milliseconds timeout, Error &error) const noexcept
    {
        return gocore_etcd_leadership_resign(handle_.get(), timeout.count(), detail::Slot(error)) ==
               GOCORE_ETCD_STATUS_OK;
    }
    /// Writes a key if this still leads when it arrives at etcd; gives the revision.
    int64_t put(std::string_view key, std::string_view value, const PutOptions &options, Error &error) const noexcept
    {
        const gocore_etcd_put_options given = detail::plain(options);
        int64_t revision = 0;
        gocore_etcd_leadership_put(handle_.get(), key.data(), key.size(), value.data(), value.size(), &given,
                                   options.timeout.count(), &revision, detail::Slot(error));
        return revision;
    }
    /// Has `handler()` run once when it is lost; never when it is given back. Empty at an error.
    template <typename Handler> Subscription on_lost(Handler &&handler, Error &error) const noexcept
    {
        using Data = detail::UserData<Handler>;
        return detail::contained(error, [&] {
            const gocore_etcd_lost_callback callback = [](void *data) { detail::guarded(Data::of(data)); };
            void *data = Data::make(std::forward<Handler>(handler));
            gocore_etcd_subscription *subscription = nullptr;
            gocore_etcd_leadership_on_lost(handle_.get(), callback, data, Data::free, &subscription,
                                           detail::Slot(error));
            return Subscription(subscription);
        });
    }
    /// Who leads its election now, this or another, also after it has ended; empty when nobody does, and at an error.
    std::optional<Leader> leader(Milliseconds timeout, Error &error) const noexcept
    {
        gocore_etcd_leader *leader = nullptr;
        gocore_etcd_leadership_leader(handle_.get(), timeout.count(), &leader, detail::Slot(error));
        return detail::taken_as<Leader>(leader);
    }
    /// Observes its election, also after it has ended, as Client::observe does. Empty at an error.
    template <typename Handler> Subscription observe(Handler &&handler, Error &error) const noexcept
    {
        return detail::observed(std::forward<Handler>(handler), error, [&](auto... given) {
            gocore_etcd_leadership_observe(handle_.get(), given..., detail::Slot(error));
        });
    }

#if GOCORE_ETCD_HAS_EXCEPTIONS
    std::string identity() const
    {
        return detail::thrown([&](Error &error) { return identity(error); });
    }
    void proclaim(const std::string &identity, Milliseconds timeout = Milliseconds(0)) const
    {
        detail::thrown([&](Error &error) { return proclaim(identity, timeout, error); });
    }
    bool wait_lost(Milliseconds timeout = Milliseconds(0), const CancelToken *cancel = nullptr) const
    {
        return detail::thrown([&](Error &error) { return wait_lost(timeout, cancel, error); });
    }
    void resign(Milliseconds timeout = Milliseconds(0)) const
    {
        detail::thrown([&](Error &error) { return resign(timeout, error); });
    }
    int64_t put(std::string_view key, std::string_view value, const PutOptions &options = {}) const
    {
        return detail::thrown([&](Error &error) { return put(key, value, options, error); });
    }
    template <typename Handler> Subscription on_lost(Handler &&handler) const
    {
        return detail::thrown([&](Error &error) { return on_lost(std::forward<Handler>(handler), error); });
    }
    std::optional<Leader> leader(Milliseconds timeout = Milliseconds(0)) const
    {
        return detail::thrown([&](Error &error) { return leader(timeout, error); });
    }
    template <typename Handler> Subscription observe(Handler &&handler) const
    {
        return detail::thrown([&](Error &error) { return observe(std::forward<Handler>(handler), error); });
    }
#endif

private:
    friend class detail::Lent;
    detail::Handle<gocore_etcd_leadership, gocore_etcd_leadership_free> handle_;
};

/// Where a candidacy stands.
enum class Standing : int32_t {
    waiting = GOCORE_ETCD_CANDIDACY_WAITING,
    leading = GOCORE_ETCD_CANDIDACY_LEADING,
    lost = GOCORE_ETCD_CANDIDACY_LOST,
    resigned = GOCORE_ETCD_CANDIDACY_RESIGNED,
};

/// The same with what belongs to it.
struct CandidacyState {
    Standing standing;
    /// Waiting: how many are before it; 0 as long as it has not queued.
    uint64_t place;
    /// Leading: the fencing token.
    int64_t token;
};

/// A candidacy that goes on in the background. Destroyed, it ends, and waits for a running handler, except inside of a
/// handler (work that is run as leader is none).
class Candidacy {
public:
    Candidacy() noexcept = default;
    /// Takes a candidacy of the C interface.
    explicit Candidacy(gocore_etcd_candidacy *handle) noexcept : handle_(handle) {}
    Candidacy(Candidacy &&) noexcept = default;
    Candidacy &operator=(Candidacy &&other) noexcept
    {
        // What was here ends with this.
        Candidacy taken(std::move(other));
        handle_.swap(taken.handle_);
        return *this;
    }
    ~Candidacy()
    {
        // Inside of a handler this gives WRONG_CONTEXT at once, and freeing ends it.
        if (handle_)
            gocore_etcd_candidacy_cancel_wait(handle_.get(), GOCORE_ETCD_WAIT_FOREVER, nullptr);
    }

    /// The full key of the election in etcd, for Kv; lives as long as the candidacy. A client's elections go by the key below
    /// the prefix.
    std::string_view key() const noexcept { return detail::view(gocore_etcd_candidacy_key(handle_.get())); }
    /// How it stands now.
    Standing standing() const noexcept { return static_cast<Standing>(gocore_etcd_candidacy_state(handle_.get())); }
    /// While it waits: how many are before it.
    uint64_t place() const noexcept { return gocore_etcd_candidacy_place(handle_.get()); }
    /// While it leads: the fencing token.
    int64_t token() const noexcept { return gocore_etcd_candidacy_token(handle_.get()); }
    bool is_leader() const noexcept { return gocore_etcd_candidacy_is_leader(handle_.get()); }
    /// The leadership while it leads. Resigning it ends the candidacy; destroying it does not.
    std::optional<Leadership> leadership() const noexcept
    {
        gocore_etcd_leadership *leadership = gocore_etcd_candidacy_leadership(handle_.get());
        return leadership == nullptr ? std::nullopt : std::optional<Leadership>(std::in_place, leadership);
    }
    /// Ends it: gives the leadership back, or leaves the queue. False at an error.
    bool resign(Milliseconds timeout, Error &error) noexcept
    {
        return gocore_etcd_candidacy_resign(handle_.get(), timeout.count(), detail::Slot(error)) ==
               GOCORE_ETCD_STATUS_OK;
    }

#if GOCORE_ETCD_HAS_EXCEPTIONS
    void resign(Milliseconds timeout = Milliseconds(0))
    {
        detail::thrown([&](Error &error) { return resign(timeout, error); });
    }
#endif

private:
    detail::Handle<gocore_etcd_candidacy, gocore_etcd_candidacy_free> handle_;
};

/// What work that is run as leader returns: to resign and campaign again, or that it is done.
enum class Run : int32_t {
    again = GOCORE_ETCD_RUN_AGAIN,
    done = GOCORE_ETCD_RUN_DONE,
};

namespace detail {

inline gocore_etcd_election_options plain(const ElectionOptions &options) noexcept
{
    gocore_etcd_election_options plain = GOCORE_ETCD_ELECTION_OPTIONS_INIT;
    plain.ttl_ms = options.ttl.count();
    return plain;
}

/// The name of an election for C.
inline const char *election_key(const std::string &key, Error &error) noexcept
{
    return text(key, "invalid argument: key: must not contain NUL", error);
}

inline const char *identity_text(const std::string &identity, Error &error) noexcept
{
    return text(identity, "invalid argument: identity: must not contain NUL", error);
}

/// A candidate's texts for C; false, with the error, when one of them cannot be.
struct Candidate {
    const char *key, *identity;

    Candidate(const std::string &key, const std::string &identity, Error &error) noexcept
        : key(election_key(key, error)), identity(this->key == nullptr ? nullptr : identity_text(identity, error))
    {
    }
    explicit operator bool() const noexcept { return identity != nullptr; }
};

/// A leadership that C lends for a call.
class Lent {
public:
    explicit Lent(gocore_etcd_leadership *handle) noexcept : leadership_(handle) {}
    Lent(const Lent &) = delete;
    Lent &operator=(const Lent &) = delete;
    ~Lent() { leadership_.handle_.release(); }
    const Leadership &get() const noexcept { return leadership_; }

private:
    Leadership leadership_;
};

/// What a run has of its program.
template <typename Start, typename Stop> struct Work {
    std::decay_t<Start> start;
    std::decay_t<Stop> stop;
};

} // namespace detail

/// What a client has of elections. Keys lie below the client's prefix; an identity is any text that is not blank.
template <typename Client> class WithElections {
public:
    /// Campaigns for the leadership of a key and waits for it; empty at an error.
    std::optional<Leadership> campaign(const std::string &key, const std::string &identity,
                                       const ElectionOptions &options, Error &error) noexcept
    {
        const gocore_etcd_election_options given = detail::plain(options);
        const detail::Candidate candidate(key, identity, error);
        if (!candidate)
            return {};
        gocore_etcd_leadership *leadership = nullptr;
        gocore_etcd_election_campaign(client(), candidate.key, candidate.identity, &given, options.timeout.count(),
                                      detail::handle_of(options.cancel), &leadership, detail::Slot(error));
        return detail::taken_as<Leadership>(leadership);
    }
    /// Begins to campaign, without blocking; false at an error. `handler(std::optional<Leadership>, Error)` runs exactly once
    /// with what came of it, possibly before this returns, and never when this fails.
    template <typename Handler>
    bool campaign_async(const std::string &key, const std::string &identity, const ElectionOptions &options,
                        Handler &&handler, Error &error) noexcept
    {
        using Data = detail::UserData<Handler>;
        const gocore_etcd_election_options given = detail::plain(options);
        const detail::Candidate candidate(key, identity, error);
        if (!candidate)
            return false;
        return detail::contained(error, [&] {
            const gocore_etcd_leadership_callback callback = [](void *data, gocore_etcd_status,
                                                                gocore_etcd_leadership *leadership,
                                                                gocore_etcd_error *failure) {
                std::optional<Leadership> won = detail::taken_as<Leadership>(leadership);
                detail::guarded([&] { Data::of(data)(std::move(won), Error(failure)); });
            };
            void *data = Data::make(std::forward<Handler>(handler));
            return gocore_etcd_election_campaign_async(client(), candidate.key, candidate.identity, &given,
                                                       options.timeout.count(), detail::handle_of(options.cancel),
                                                       callback, data, Data::free,
                                                       detail::Slot(error)) == GOCORE_ETCD_STATUS_OK;
        });
    }
    /// Campaigns in the background; empty at an error. `handler(const CandidacyState &, const Error &problem)` runs at first
    /// and at each change; `problem` is what makes campaigning fail, and false when nothing does.
    template <typename Handler>
    std::optional<Candidacy> candidacy(const std::string &key, const std::string &identity,
                                       const ElectionOptions &options, Handler &&handler, Error &error) noexcept
    {
        using Data = detail::UserData<Handler>;
        const gocore_etcd_election_options given = detail::plain(options);
        const detail::Candidate candidate(key, identity, error);
        if (!candidate)
            return {};
        return detail::contained(error, [&] {
            const gocore_etcd_candidacy_callback callback = [](void *data, int32_t standing, uint64_t place,
                                                               int64_t token, const gocore_etcd_error *problem) {
                const CandidacyState state{static_cast<Standing>(standing), place, token};
                detail::guarded([&] { Data::of(data)(state, Error(gocore_etcd_error_clone(problem))); });
            };
            void *data = Data::make(std::forward<Handler>(handler));
            gocore_etcd_candidacy *candidacy = nullptr;
            gocore_etcd_election_candidacy(client(), candidate.key, candidate.identity, &given, callback, data,
                                           Data::free, &candidacy, detail::Slot(error));
            return detail::taken_as<Candidacy>(candidacy);
        });
    }
    /// Campaigns in the background, and while leading has `start(const Leadership &)` do the work, on a thread of its own,
    /// which says by its Run what comes after it; when the leadership is lost, or the run is to end, `stop(int64_t token)` is
    /// called on another thread, with the token of the leadership, so that the work returns. It may still begin while the
    /// work returns: it touches what the two share and nothing local to the work. Work that throws is begun again; work
    /// that ends within 2 s is so after a pause, of 2 s at most. Empty at an error.
    template <typename Start, typename Stop>
    Subscription run_as_leader(const std::string &key, const std::string &identity, const ElectionOptions &options,
                               Start &&start, Stop &&stop, Error &error) noexcept
    {
        using Work = detail::Work<Start, Stop>;
        using Data = detail::UserData<Work>;
        const gocore_etcd_election_options given = detail::plain(options);
        const detail::Candidate candidate(key, identity, error);
        if (!candidate)
            return {};
        return detail::contained(error, [&] {
            const gocore_etcd_run_start_callback work = [](void *data, gocore_etcd_leadership *lent) {
                const detail::Lent leadership(lent);
                Run run = Run::again;
                detail::guarded([&] { run = Data::of(data).start(leadership.get()); });
                return static_cast<int32_t>(run);
            };
            const gocore_etcd_run_stop_callback cease = [](void *data, int64_t token) {
                detail::guarded([&] { Data::of(data).stop(token); });
            };
            void *data = Data::make(Work{std::forward<Start>(start), std::forward<Stop>(stop)});
            gocore_etcd_subscription *run = nullptr;
            gocore_etcd_election_run(client(), candidate.key, candidate.identity, &given, work, cease, data, Data::free,
                                     &run, detail::Slot(error));
            return Subscription(run);
        });
    }
    /// Who leads a key now; empty when nobody does, and at an error.
    std::optional<Leader> leader(const std::string &key, Milliseconds timeout, Error &error) noexcept
    {
        const char *name = detail::election_key(key, error);
        if (name == nullptr)
            return {};
        gocore_etcd_leader *leader = nullptr;
        gocore_etcd_election_leader(client(), name, timeout.count(), &leader, detail::Slot(error));
        return detail::taken_as<Leader>(leader);
    }
    /// Has `handler(std::optional<Leader>, Error problem)` run with who leads a key now, also when nobody does, and from then
    /// on at every change; `problem` is why it cannot be said who, and false otherwise. None comes after a later leader, unless
    /// the cluster is restored from a backup: that begins anew. Empty at an error.
    template <typename Handler>
    Subscription observe(const std::string &key, Handler &&handler, Error &error) noexcept
    {
        const char *name = detail::election_key(key, error);
        if (name == nullptr)
            return {};
        return detail::observed(std::forward<Handler>(handler), error, [&](auto... given) {
            gocore_etcd_election_observe(client(), name, given..., detail::Slot(error));
        });
    }

#if GOCORE_ETCD_HAS_EXCEPTIONS
    Leadership campaign(const std::string &key, const std::string &identity, const ElectionOptions &options = {})
    {
        return *detail::thrown([&](Error &error) { return campaign(key, identity, options, error); });
    }
    template <typename Handler>
    void campaign_async(const std::string &key, const std::string &identity, const ElectionOptions &options,
                        Handler &&handler)
    {
        detail::thrown([&](Error &error) {
            return campaign_async(key, identity, options, std::forward<Handler>(handler), error);
        });
    }
    template <typename Handler>
    Candidacy candidacy(const std::string &key, const std::string &identity, const ElectionOptions &options,
                        Handler &&handler)
    {
        return *detail::thrown(
            [&](Error &error) { return candidacy(key, identity, options, std::forward<Handler>(handler), error); });
    }
    template <typename Start, typename Stop>
    Subscription run_as_leader(const std::string &key, const std::string &identity, const ElectionOptions &options,
                               Start &&start, Stop &&stop)
    {
        return detail::thrown([&](Error &error) {
            return run_as_leader(key, identity, options, std::forward<Start>(start), std::forward<Stop>(stop), error);
        });
    }
    std::optional<Leader> leader(const std::string &key, Milliseconds timeout = Milliseconds(0))
    {
        return detail::thrown([&](Error &error) { return leader(key, timeout, error); });
    }
    template <typename Handler> Subscription observe(const std::string &key, Handler &&handler)
    {
        return detail::thrown([&](Error &error) { return observe(key, std::forward<Handler>(handler), error); });
    }
#endif

private:
    gocore_etcd_client *client() noexcept { return static_cast<Client *>(this)->get(); }
};

} // namespace gocore::etcd

#endif // GOCORE_ETCD_ELECTION_HPP
