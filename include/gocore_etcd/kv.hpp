// Keys and values, absolute: nothing is prefixed (Client::key builds a key below the prefix).
#ifndef GOCORE_ETCD_KV_HPP
#define GOCORE_ETCD_KV_HPP

#include "entry.hpp"
#include "put.hpp"
#include "range.hpp"
#include "txn.hpp"
#include "txn_result.hpp"
#include "watch.hpp"

#include <optional>

namespace gocore::etcd {

/// How to read a key: as it was at a revision; zero is now.
struct GetOptions {
    int64_t revision = 0;
    Milliseconds timeout{0};
};

/// Keys and values. Borrows its client, which must live longer.
class Kv : public WithWatches<Kv> {
public:
    explicit Kv(gocore_etcd_client *client) noexcept : client_(client) {}
    gocore_etcd_client *get() const noexcept { return client_; }

    /// Reads one key; empty when it does not exist, and at an error.
    std::optional<Entry> get(std::string_view key, const GetOptions &options, Error &error) noexcept
    {
        gocore_etcd_get_options given = GOCORE_ETCD_GET_OPTIONS_INIT;
        given.revision = options.revision;
        return detail::contained(error, [&] {
            gocore_etcd_kv_entry *found = nullptr;
            gocore_etcd_kv_get(client_, key.data(), key.size(), &given, options.timeout.count(), &found,
                               detail::Slot(error));
            const detail::Handle<gocore_etcd_kv_entry, gocore_etcd_kv_entry_free> entry(found);
            return entry ? std::optional<Entry>(std::in_place, entry.get()) : std::nullopt;
        });
    }
    /// Reads a range of keys.
    Listing list(const Range &range, Milliseconds timeout, Error &error) noexcept
    {
        const gocore_etcd_range_options options = detail::plain(range);
        return detail::contained(error, [&] {
            gocore_etcd_kv_listing *found = nullptr;
            gocore_etcd_kv_list(client_, range.key.data(), range.key.size(), &options, timeout.count(), &found,
                                detail::Slot(error));
            const detail::Handle<gocore_etcd_kv_listing, gocore_etcd_kv_listing_free> listing(found);
            return Listing(listing.get());
        });
    }
    /// Writes a key; gives the revision.
    int64_t put(std::string_view key, std::string_view value, const PutOptions &options, Error &error) noexcept
    {
        const gocore_etcd_put_options given = detail::plain(options);
        int64_t revision = 0;
        gocore_etcd_kv_put(client_, key.data(), key.size(), value.data(), value.size(), &given,
                           options.timeout.count(), &revision, detail::Slot(error));
        return revision;
    }
    /// Deletes a key or a range; gives how many keys there were.
    uint64_t remove(const Range &range, Milliseconds timeout, Error &error) noexcept
    {
        const gocore_etcd_range_options options = detail::plain(range);
        uint64_t deleted = 0;
        gocore_etcd_kv_delete(client_, range.key.data(), range.key.size(), &options, timeout.count(), &deleted,
                              detail::Slot(error));
        return deleted;
    }
    /// Carries out a transaction. That conditions do not hold is no error: TxnResult::succeeded is false; that the guard
    /// refused it is LOST, when there was no other condition and nothing to be done otherwise.
    TxnResult commit(const Txn &txn, Milliseconds timeout, Error &error) noexcept
    {
        using Result = detail::Handle<gocore_etcd_txn_result, gocore_etcd_txn_result_free>;
        const Result result = detail::contained(error, [&] {
            const detail::PlainTxn plain(txn);
            gocore_etcd_txn_result *given = nullptr;
            gocore_etcd_kv_txn(client_, plain.get(), timeout.count(), &given, detail::Slot(error));
            return Result(given);
        });
        if (!result)
            return TxnResult();
        // It has been carried out, whatever becomes of the copy.
        return detail::contained(error, [&] { return TxnResult(result.get()); }, true);
    }

#if GOCORE_ETCD_HAS_EXCEPTIONS
    std::optional<Entry> get(std::string_view key, const GetOptions &options = {})
    {
        return detail::thrown([&](Error &error) { return get(key, options, error); });
    }
    Listing list(const Range &range, Milliseconds timeout = Milliseconds(0))
    {
        return detail::thrown([&](Error &error) { return list(range, timeout, error); });
    }
    int64_t put(std::string_view key, std::string_view value, const PutOptions &options = {})
    {
        return detail::thrown([&](Error &error) { return put(key, value, options, error); });
    }
    uint64_t remove(const Range &range, Milliseconds timeout = Milliseconds(0))
    {
        return detail::thrown([&](Error &error) { return remove(range, timeout, error); });
    }
    TxnResult commit(const Txn &txn, Milliseconds timeout = Milliseconds(0))
    {
        return detail::thrown([&](Error &error) { return commit(txn, timeout, error); });
    }
#endif

private:
    gocore_etcd_client *client_;
};

/// What a client has of keys and values.
template <typename Client> class WithKv {
public:
    /// Keys and values; borrows this client.
    Kv kv() noexcept { return Kv(static_cast<Client *>(this)->get()); }
};

} // namespace gocore::etcd

#endif // GOCORE_ETCD_KV_HPP
