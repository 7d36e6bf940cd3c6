// How to write one key, plainly or under a guard.
#ifndef GOCORE_ETCD_PUT_HPP
#define GOCORE_ETCD_PUT_HPP

#include "error.hpp"

namespace gocore::etcd {

/// How to write a key: under a lease, that takes the key with it when it ends; zero is none.
struct PutOptions {
    int64_t lease = 0;
    Milliseconds timeout{0};
};

namespace detail {

inline gocore_etcd_put_options plain(const PutOptions &options) noexcept
{
    gocore_etcd_put_options plain = GOCORE_ETCD_PUT_OPTIONS_INIT;
    plain.lease = options.lease;
    return plain;
}

} // namespace detail

} // namespace gocore::etcd

#endif // GOCORE_ETCD_PUT_HPP
