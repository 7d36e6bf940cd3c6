// The client: the connection to etcd, and everything that is done with it.
#ifndef GOCORE_ETCD_CLIENT_HPP
#define GOCORE_ETCD_CLIENT_HPP

#include "config.hpp"
#include "election.hpp"
#include "error.hpp"
#include "kv.hpp"
#include "lock.hpp"

#include <optional>
#include <utility>

namespace gocore::etcd {

/// How long ~Client takes at most.
inline constexpr Milliseconds close_limit{5000};

/// A client of an etcd cluster. Destroyed, it closes, for at most `close_limit`. What it can do beside that is in the
/// file of each capability: there is one base for each.
class Client : public WithKv<Client>, public WithLocks<Client>, public WithElections<Client> {
public:
    Client() noexcept = default;
    /// Takes a client of the C interface.
    explicit Client(gocore_etcd_client *handle) noexcept : handle_(handle) {}
    Client(Client &&) noexcept = default;
    Client &operator=(Client &&other) noexcept
    {
        // What was here closes with this.
        Client taken(std::move(other));
        handle_.swap(taken.handle_);
        return *this;
    }
    ~Client()
    {
        if (handle_)
            gocore_etcd_client_close(handle_.get(), close_limit.count(), nullptr);
    }

    /// Connects; empty at an error.
    static std::optional<Client> connect(const Config &config, Error &error) noexcept
    {
        return detail::contained(error, [&] {
            gocore_etcd_client *client = nullptr;
            const detail::PlainConfig plain(config, error);
            if (!error)
                gocore_etcd_client_connect(plain.get(), &client, detail::Slot(error));
            return detail::taken_as<Client>(client);
        });
    }

    /// The prefix below which everything of this client lies; lives as long as the client.
    std::string_view prefix() const noexcept { return detail::view(gocore_etcd_client_prefix(handle_.get())); }
    /// A key below the prefix: each part without its surrounding slashes; empty at an error.
    std::string key(const std::vector<std::string> &parts, Error &error) const noexcept
    {
        return detail::contained(error, [&] {
            std::vector<const char *> given;
            for (const std::string &part : parts)
                given.push_back(detail::text(part, "invalid argument: parts: must not contain NUL", error));
            char *text = nullptr;
            if (!error)
                gocore_etcd_client_key(handle_.get(), given.data(), given.size(), &text, detail::Slot(error));
            const detail::Handle<char, gocore_etcd_string_free> held(text);
            return std::string(detail::view(text));
        });
    }
    /// For the functions of the C interface that have no form here.
    gocore_etcd_client *get() noexcept { return handle_.get(); }
    /// Runs handlers that are due, here (Config::dispatch); gives how many ran.
    size_t dispatch(size_t max, Milliseconds timeout, Error &error) noexcept
    {
        size_t count = 0;
        gocore_etcd_client_dispatch(handle_.get(), max, timeout.count(), &count, detail::Slot(error));
        return count;
    }
    /// Readable while handlers are due; -1 without Config::dispatch.
    int dispatch_fd() const noexcept { return gocore_etcd_client_dispatch_fd(handle_.get()); }
    /// Closes and waits for it; false at an error.
    bool close(Milliseconds timeout, Error &error) noexcept
    {
        return gocore_etcd_client_close(handle_.get(), timeout.count(), detail::Slot(error)) == GOCORE_ETCD_STATUS_OK;
    }

#if GOCORE_ETCD_HAS_EXCEPTIONS
    static Client connect(const Config &config)
    {
        return *detail::thrown([&](Error &error) { return connect(config, error); });
    }
    std::string key(const std::vector<std::string> &parts) const
    {
        return detail::thrown([&](Error &error) { return key(parts, error); });
    }
    size_t dispatch(size_t max = 0, Milliseconds timeout = Milliseconds(0))
    {
        return detail::thrown([&](Error &error) { return dispatch(max, timeout, error); });
    }
    void close(Milliseconds timeout = Milliseconds(0))
    {
        detail::thrown([&](Error &error) { return close(timeout, error); });
    }
#endif

private:
    detail::Handle<gocore_etcd_client, gocore_etcd_client_free> handle_;
};

} // namespace gocore::etcd

#endif // GOCORE_ETCD_CLIENT_HPP
