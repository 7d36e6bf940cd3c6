// A report that one instance of a service writes, whoever leads: work that is run as leader, and an observer of it.
//
//   c++ -std=c++17 election.cpp -lgocore_etcd -o election && ./election [ENDPOINT]...       (127.0.0.1:2379 without)
//
// Run it in two terminals: the second waits until the first is done. Kill the first with SIGKILL, and the second leads once
// the TTL has passed. Both see who does.
#include <gocore_etcd.hpp>

#include <condition_variable>
#include <cstdio>
#include <future>
#include <mutex>

namespace etcd = gocore::etcd;

/// The work: a second of it, or less when it is to stop.
class Report {
public:
    explicit Report(std::string key) : key_(std::move(key)) {}

    etcd::Run write(const etcd::Leadership &leadership)
    {
        std::printf("leading with fencing token %lld\n", static_cast<long long>(leadership.token()));
        {
            std::unique_lock<std::mutex> held(mutex_);
            const auto to_stop = [&] { return stopped_ >= leadership.token(); };
            if (changed_.wait_for(held, std::chrono::seconds(1), to_stop)) {
                std::puts("told to stop");
                return etcd::Run::again;
            }
        }
        // Refused by etcd, should somebody else lead by the time it arrives: then what it throws means to try again.
        const auto revision = leadership.put(key_, "all is well");
        std::printf("the report was written at revision %lld\n", static_cast<long long>(revision));
        written_.set_value();
        return etcd::Run::done;
    }
    void stop(int64_t token)
    {
        const std::lock_guard<std::mutex> held(mutex_);
        stopped_ = token;
        changed_.notify_all();
    }
    void wait() { written_.get_future().wait(); }

private:
    std::string key_;
    std::mutex mutex_;
    std::condition_variable changed_;
    int64_t stopped_ = 0;
    std::promise<void> written_;
};

static void run(etcd::Client &client)
{
    const auto observing = client.observe("reporter", [](const std::optional<etcd::Leader> &leader, const etcd::Error &problem) {
        if (problem)
            std::printf("who leads cannot be said: %s\n", problem.what());
        else if (!leader)
            std::puts("nobody leads");
        else
            std::printf("%s leads with token %lld\n", std::string(leader->identity()).c_str(),
                        static_cast<long long>(leader->token()));
    });
    etcd::ElectionOptions options;
    options.ttl = std::chrono::seconds(10);
    Report report(client.key({"reports", "last"}));
    const auto running = client.run_as_leader(
        "reporter", "an example", options, [&](const etcd::Leadership &leadership) { return report.write(leadership); },
        [&](int64_t token) { report.stop(token); });
    report.wait();
    // Both subscriptions end here, the work first; each waits for its handler.
}

int main(int argc, char **argv)
{
    try {
        etcd::Config config;
        config.endpoints.assign(argv + 1, argv + argc);
        if (config.endpoints.empty())
            config.endpoints = {"127.0.0.1:2379"};
        auto client = etcd::Client::connect(config);
        run(client);
        // Done, the work has resigned.
        client.close();
        std::puts("resigned");
        return 0;
    } catch (const etcd::Error &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
