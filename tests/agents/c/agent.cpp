// The C++ agent: as agent.c, by the classes of gocore_etcd.hpp. The protocol is that of tests/src/bin/agent.rs.
#include <gocore_etcd.hpp>

#include "elect.hpp"

class Agent {
public:
    explicit Agent(const etcd::Config &config) : client_(etcd::Client::connect(config)), elections_(client_) {}

    void obey(const std::string &what, const std::string &line)
    {
        const auto key = text(line, "key");
        etcd::LockOptions options;
        options.ttl = etcd::Milliseconds(number_of(line.c_str(), "ttl_ms"));
        if (what == "lock") {
            say(R"({"event":"waiting","key":)", quoted(key.c_str()), "}");
            acquired(client_.lock(key, options));
        } else if (what == "try_lock") {
            if (auto lock = client_.try_lock(key, options))
                acquired(std::move(*lock));
            else
                say(R"({"event":"not_acquired","key":)", quoted(key.c_str()), "}");
        } else if (what == "is_held") {
            say(R"({"event":"held","held":)", lock_.is_held() ? "true" : "false", R"(,"at_ns":)", now(), "}");
        } else if (what == "put") {
            put(key, text(line, "value"));
        } else if (what == "unlock") {
            if (lock_.get() != nullptr)
                std::exchange(lock_, etcd::Lock()).unlock();
            say(R"({"event":"unlocked","at_ns":)", now(), "}");
        } else if (what == "count") {
            const auto turns = number_of(line.c_str(), "turns");
            for (long long n = 0; n < turns; ++n)
                turn(key, options, text(line, "counter"));
            say(R"({"event":"counted","turns":)", turns, "}");
        } else if (what == "close") {
            client_.close();
            say(R"({"event":"closed"})");
        } else if (!elections_.obey(what, line)) {
            say(R"({"event":"failed","do":)", quoted(what.c_str()), R"(,"kind":"Unknown","message":"no such command"})");
        }
    }

private:
    /// Not Lock::put, which knows that the lock is lost: here etcd is to judge.
    void put(const std::string &key, const std::string &value)
    {
        const auto plan = etcd::Txn().guarded_by(lock_).then(etcd::Op::put(key, value));
        say(R"({"event":"written","revision":)", client_.kv().commit(plan).revision, "}");
    }

    /// Reads, adds one, writes, all unguarded: only exclusion makes the sum right.
    void turn(const std::string &key, const etcd::LockOptions &options, const std::string &counter)
    {
        auto lock = client_.lock(key, options);
        const auto before = client_.kv().get(counter);
        client_.kv().put(counter, std::to_string(before ? std::stoll(before->value) + 1 : 1));
        etcd::Error error;
        // The write is in: what a lost lock endangers is the next turn's exclusion, which the sum would show.
        if (!lock.unlock({}, error) && error.status() != GOCORE_ETCD_STATUS_LOST)
            throw error;
    }

    void acquired(etcd::Lock lock)
    {
        say(R"({"event":"acquired","key":")", lock.key(), R"(","token":)", lock.token(), R"(,"at_ns":)", now(), "}");
        lost_ = lock.on_lost([] { say(R"({"event":"lost","at_ns":)", now(), "}"); });
        lock_ = std::move(lock);
    }

    etcd::Client client_;
    Elections elections_;
    etcd::Lock lock_;
    etcd::Subscription lost_;
};

int main(int argc, char **argv)
{
    std::string what = "connect";
    try {
        etcd::Config config;
        config.prefix = argc > 1 ? argv[1] : "";
        config.dial_timeout = std::chrono::seconds(15);
        config.endpoints.assign(argv + (argc > 2 ? 2 : argc), argv + argc);
        Agent agent(config);
        say(R"({"event":"connected"})");
        for (std::string line; what != "close" && std::getline(std::cin, line);) {
            what = text(line, "do");
            try {
                agent.obey(what, line);
            } catch (const etcd::Error &error) {
                failed(what, error);
            }
        }
    } catch (const etcd::Error &error) {
        failed(what, error);
        return 1;
    }
    return 0;
}
