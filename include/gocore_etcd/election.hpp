// Elections: one leader at a time among the candidates for a key, in order of arrival, and observers of it. What is promised
// under which conditions: section Election of gocore_etcd.h.
#ifndef GOCORE_ETCD_ELECTION_HPP
#define GOCORE_ETCD_ELECTION_HPP

#include "candidacy.hpp"

namespace gocore::etcd {

/// How to be a candidate; zero is the default: a TTL of 15 s, no limit.
struct ElectionOptions {
    Milliseconds ttl{0};
    /// How long campaign waits, and what ends that early (not try_campaign, which waits for nobody); candidacies and runs go
    /// on in the background.
    Milliseconds timeout{0};
    const CancelToken *cancel = nullptr;
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
    /// Takes the leadership if nobody leads or campaigns for it; empty when somebody does, and at an error.
    std::optional<Leadership> try_campaign(const std::string &key, const std::string &identity,
                                           const ElectionOptions &options, Error &error) noexcept
    {
        const gocore_etcd_election_options given = detail::plain(options);
        const detail::Candidate candidate(key, identity, error);
        if (!candidate)
            return {};
        gocore_etcd_leadership *leadership = nullptr;
        gocore_etcd_election_try_campaign(client(), candidate.key, candidate.identity, &given, options.timeout.count(),
                                          &leadership, detail::Slot(error));
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
    std::optional<Leadership> try_campaign(const std::string &key, const std::string &identity,
                                           const ElectionOptions &options = {})
    {
        return detail::thrown([&](Error &error) { return try_campaign(key, identity, options, error); });
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
