// The small tools of a test program in C++. What does not hold ends it, with its place.
#ifndef CHECK_HPP
#define CHECK_HPP

#include <gocore_etcd.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>

using namespace std::chrono_literals;
namespace etcd = gocore::etcd;

#define CHECK(holds)                                                                                                   \
    do {                                                                                                               \
        if (!(holds)) {                                                                                                \
            std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);                            \
            std::exit(1);                                                                                              \
        }                                                                                                              \
    } while (0)

/// How to reach the endpoint that is the program's first argument.
inline etcd::Config config_of(char **argv)
{
    etcd::Config config;
    config.endpoints = {argv[1]};
    // Under memcheck everything takes fifty times as long.
    config.dial_timeout = 60s;
    return config;
}

/// Counts, and lets others wait for a number.
class Counter {
public:
    void add()
    {
        const std::lock_guard<std::mutex> held(mutex_);
        ++count_;
        changed_.notify_all();
    }
    int count()
    {
        const std::lock_guard<std::mutex> held(mutex_);
        return count_;
    }
    void until(int count)
    {
        std::unique_lock<std::mutex> held(mutex_);
        CHECK(changed_.wait_for(held, 60s, [&] { return count_ >= count; }));
        CHECK(count_ == count);
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int count_ = 0;
};

/// Somebody deletes the key under the lock, which so is lost.
inline void lose(etcd::Client &client, etcd::Lock &lock)
{
    etcd::Error error;
    const auto deleted = client.kv().remove(etcd::Range::prefix(std::string(lock.key()) + "/"), {}, error);
    CHECK(deleted == 1 && lock.wait_lost(20s, nullptr, error));
}

#if GOCORE_ETCD_HAS_EXCEPTIONS
template <typename Call> gocore_etcd_status thrown_by(Call call)
{
    try {
        call();
    } catch (const etcd::Error &error) {
        CHECK(error && error.what()[0] != 0);
        return error.status();
    }
    return GOCORE_ETCD_STATUS_OK;
}
#endif

#endif
