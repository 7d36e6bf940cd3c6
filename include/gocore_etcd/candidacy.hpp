// A candidacy: campaigning in the background, for a service that goes on serving whether it leads or not.
#ifndef GOCORE_ETCD_CANDIDACY_HPP
#define GOCORE_ETCD_CANDIDACY_HPP

#include "leadership.hpp"

namespace gocore::etcd {

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
        return detail::taken_as<Leadership>(gocore_etcd_candidacy_leadership(handle_.get()));
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

} // namespace gocore::etcd

#endif // GOCORE_ETCD_CANDIDACY_HPP
