// The C++ agent's part in elections.
#ifndef ELECT_HPP
#define ELECT_HPP

#include "say.hpp"

#include <chrono>
#include <future>
#include <thread>

class Elections {
public:
    explicit Elections(etcd::Client &client) : client_(client) {}

    /// Whether it is a command about elections; then it was obeyed.
    bool obey(const std::string &what, const std::string &line)
    {
        const auto key = text(line, "key"), identity = text(line, "identity");
        etcd::ElectionOptions options;
        options.ttl = etcd::Milliseconds(number_of(line.c_str(), "ttl_ms"));
        if (what == "campaign") {
            say(R"({"event":"campaigning","key":)", json(key), "}");
            leads(client_.campaign(key, identity, options));
        } else if (what == "is_leader") {
            say(R"({"event":"leads","leads":)", led_.is_leader() ? "true" : "false", R"(,"at_ns":)", now(), "}");
        } else if (what == "lead_put") {
            // Not Leadership::put, which knows that the leadership is lost: here etcd is to judge.
            const auto plan = etcd::Txn().guarded_by(led_).then(etcd::Op::put(key, text(line, "value")));
            say(R"({"event":"written","revision":)", client_.kv().commit(plan).revision, "}");
        } else if ((what == "proclaim" || what == "resign") && led_.get() == nullptr) {
            say(R"({"event":"failed","do":")", what, R"(","kind":"Unknown","message":"no leadership"})");
        } else if (what == "proclaim") {
            led_.proclaim(identity);
            say(R"({"event":"proclaimed","at_ns":)", now(), "}");
        } else if (what == "resign") {
            led_.resign();
            say(R"({"event":"resigned","at_ns":)", now(), "}");
        } else if (what == "leader") {
            shown("leader", client_.leader(key));
        } else if (what == "observe") {
            observing_ = client_.observe(key, [](const std::optional<etcd::Leader> &leader, const etcd::Error &problem) {
                if (problem)
                    failed("observe", problem);
                else
                    shown("observed", leader);
            });
        } else if (what == "stand") {
            stand(key, identity, options, text(line, "journal"));
        } else {
            return false;
        }
        return true;
    }

private:
    void leads(etcd::Leadership leadership)
    {
        say(R"({"event":"leading","key":")", leadership.key(), R"(","identity":)", json(leadership.identity()),
            R"(,"token":)", leadership.token(), R"(,"at_ns":)", now(), "}");
        lost_ = leadership.on_lost([] { say(R"({"event":"lost","at_ns":)", now(), "}"); });
        led_ = std::move(leadership);
    }

    static void shown(const char *event, const std::optional<etcd::Leader> &leader)
    {
        if (leader)
            say(R"({"event":")", event, R"(","identity":)", json(leader->identity()), R"(,"token":)", leader->token(),
                R"(,"revision":)", leader->revision(), R"(,"at_ns":)", now(), "}");
        else
            say(R"({"event":")", event, R"(","identity":null,"token":null,"revision":null,"at_ns":)", now(), "}");
    }

    /// Leads whenever it can, right in the handler: a slow one delays its own subscription only.
    void stand(const std::string &key, const std::string &identity, const etcd::ElectionOptions &options,
               const std::string &journal)
    {
        // Where the handler finds the candidacy, which it may be called for before there is one to look at.
        auto known = std::make_shared<std::promise<void>>();
        const auto is_known = known->get_future().share();
        standing_ = client_.candidacy(
            key, identity, options,
            [this, identity, journal, is_known](const etcd::CandidacyState &state, const etcd::Error &problem) {
                if (problem)
                    return failed("stand", problem);
                is_known.wait();
                const auto leadership = standing_.leadership();
                if (state.standing == etcd::Standing::leading && leadership)
                    lead(*leadership, identity, journal);
            });
        known->set_value();
    }

    /// As `lead` in tests/src/bin/agent.rs. A moment counts by the clock read before the belief: whatever stops the process
    /// in between, it believed no earlier. Writes also when it believes no longer: etcd is to judge.
    void lead(const etcd::Leadership &leadership, const std::string &identity, const std::string &journal)
    {
        const auto token = leadership.token();
        const auto from = now();
        auto until = from;
        if (!leadership.is_leader())
            return;
        say(R"({"event":"leading","identity":)", json(identity), R"(,"token":)", token, R"(,"at_ns":)", from, "}");
        // Beside the believing, which must not wait for them; an error is etcd's verdict.
        std::future<void> writing, proclaiming;
        const auto is_free = [](const std::future<void> &work) {
            return !work.valid() || work.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
        };
        for (int turn = 0, late = 0; late < 100; ++turn) {
            const auto moment = now();
            if (late == 0 && leadership.is_leader())
                until = moment;
            else
                ++late;
            if (turn % 20 == 0 || late == 1) {
                say(R"({"event":"believes","token":)", token, R"(,"from_ns":)", from, R"(,"until_ns":)", until, "}");
                if (is_free(writing))
                    writing = std::async(std::launch::async, [&] {
                        etcd::Error error;
                        const auto put = etcd::Op::put(journal, std::to_string(token));
                        client_.kv().commit(etcd::Txn().guarded_by(leadership).then(put), {}, error);
                    });
            }
            if (turn % 200 == 199 && is_free(proclaiming))
                proclaiming = std::async(std::launch::async, [&, turn] {
                    etcd::Error error;
                    leadership.proclaim(identity + "#" + std::to_string(turn), {}, error);
                });
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }

    etcd::Client &client_;
    etcd::Leadership led_;
    etcd::Candidacy standing_;
    etcd::Subscription lost_, observing_;
};

#endif
