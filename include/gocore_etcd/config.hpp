// How to reach etcd.
#ifndef GOCORE_ETCD_CONFIG_HPP
#define GOCORE_ETCD_CONFIG_HPP

#include "error.hpp"

#include <optional>
#include <vector>

namespace gocore::etcd {

/// TLS: each document is a file's name or PEM text. Empty: the system's authorities, no certificate of our own.
struct Tls {
    std::string ca_file, ca_pem, cert_file, cert_pem, key_file, key_pem, server_name;
};

/// How to reach etcd; what is empty or zero is at its default.
struct Config {
    std::vector<std::string> endpoints;
    std::string prefix, username, password;
    std::optional<Tls> tls;
    Milliseconds dial_timeout{0}, request_timeout{0}, auto_sync_interval{0}, keep_alive_interval{0},
        keep_alive_timeout{0};
    /// Handlers run inside Client::dispatch instead of on threads of the library.
    bool dispatch = false;
};

namespace detail {

/// Text for C; an empty one means none, and is NULL.
inline const char *optional_text(const std::string &given, const char *refusal, Error &error) noexcept
{
    return given.empty() ? nullptr : text(given, refusal, error);
}

/// A Config as C takes it; it borrows the texts. `error` is set when one cannot be.
class PlainConfig {
public:
    PlainConfig(const Config &config, Error &error)
    {
        for (const std::string &endpoint : config.endpoints)
            endpoints_.push_back(text(endpoint, "invalid argument: config.endpoints: must not contain NUL", error));
        plain_.endpoints = endpoints_.data();
        plain_.endpoints_len = endpoints_.size();
        plain_.prefix = optional_text(config.prefix, "invalid argument: config.prefix: must not contain NUL", error);
        plain_.username = optional_text(config.username, "invalid argument: config.username: must not contain NUL", error);
        plain_.password = optional_text(config.password, "invalid argument: config.password: must not contain NUL", error);
        if (config.tls)
            use(*config.tls, error);
        plain_.dial_timeout_ms = config.dial_timeout.count();
        plain_.request_timeout_ms = config.request_timeout.count();
        plain_.auto_sync_interval_ms = config.auto_sync_interval.count();
        plain_.keep_alive_interval_ms = config.keep_alive_interval.count();
        plain_.keep_alive_timeout_ms = config.keep_alive_timeout.count();
        plain_.callbacks = config.dispatch ? GOCORE_ETCD_CALLBACKS_DISPATCH : GOCORE_ETCD_CALLBACKS_THREADS;
    }
    PlainConfig(const PlainConfig &) = delete;
    PlainConfig &operator=(const PlainConfig &) = delete;
    const gocore_etcd_client_config *get() const noexcept { return &plain_; }

private:
    void use(const Tls &tls, Error &error) noexcept
    {
        const auto pem = [](const std::string &given, const void *&to, size_t &len) {
            to = given.empty() ? nullptr : given.data();
            len = given.size();
        };
        tls_.ca_file = optional_text(tls.ca_file, "invalid argument: config.tls.ca_file: must not contain NUL", error);
        tls_.cert_file = optional_text(tls.cert_file, "invalid argument: config.tls.cert_file: must not contain NUL", error);
        tls_.key_file = optional_text(tls.key_file, "invalid argument: config.tls.key_file: must not contain NUL", error);
        tls_.server_name = optional_text(tls.server_name, "invalid argument: config.tls.server_name: must not contain NUL", error);
        pem(tls.ca_pem, tls_.ca_pem, tls_.ca_pem_len);
        pem(tls.cert_pem, tls_.cert_pem, tls_.cert_pem_len);
        pem(tls.key_pem, tls_.key_pem, tls_.key_pem_len);
        plain_.tls = &tls_;
    }

    std::vector<const char *> endpoints_;
    gocore_etcd_tls_config tls_ = GOCORE_ETCD_TLS_CONFIG_INIT;
    gocore_etcd_client_config plain_ = GOCORE_ETCD_CLIENT_CONFIG_INIT;
};

} // namespace detail

} // namespace gocore::etcd

#endif // GOCORE_ETCD_CONFIG_HPP
