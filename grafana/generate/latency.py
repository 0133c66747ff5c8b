"""Latency and loss: each target by itself, and where on the way it begins."""

from board import ROUTER, TARGET, board
from normal import DNS_FAILURES, LATENCY, LATENCY_FAR, LOSS, NO_ANSWER
from panel import chart, heatmap, stat
from query import CHOSEN as R, buckets, now, series

T = f'{R},target=~"$target"'
NO_LOOKUPS = "no answer, or not on this device: DNS_NAME is not set"


def quantile(share, selector, by):
    return (f"histogram_quantile({share}, sum by ({by}, le)"
            f" (rate(netmonitor_ping_rtt_seconds_bucket{{{selector}}}[$__rate_interval])))")


def mean(selector):
    return (f"rate(netmonitor_ping_rtt_seconds_sum{{{selector}}}[$__rate_interval])"
            f" / rate(netmonitor_ping_rtt_seconds_count{{{selector}}}[$__rate_interval])")


SPREAD = heatmap(
    "Round-trip times: $target",
    """How many answers came in which time: bright is many. Normal: one narrow bright band; a second
    band is a second way or a full queue, a smear upwards a full line. A black gap: no answers.""",
    buckets("sum by (le) (increase("
            f'netmonitor_ping_rtt_seconds_bucket{{{R},target=~"$target"}}[$__rate_interval]))'),
    size=(12, 8), repeat="target", repeatDirection="h", maxPerRow=2)

SLOW_ANSWERS = chart(
    "Round-trip time: p95",
    """95 % of the answers of each target were faster; exact to a bucket of the histogram (1 2 5 10 15
    20 30 50 75 100 150 200 300 500 1000 ms). Normal: flat; near targets below 100 ms, far ones
    below 300 ms.""",
    series(quantile(0.95, T, "target"), "{{target}}"),
    unit="s", lowest=0, no_value=NO_ANSWER, size=(12, 9))

QUANTILES = {
    **chart(
        "Median, p95, p99: $target",
        """Half of the answers, 95 % and 99 % of them were faster. Normal: the three lie together. p99
        far above the median is jitter, which calls and games notice first.""",
        *(series(quantile(share, f'{R},target=~"$target"', "target"), words)
          for share, words in [(0.5, "median"), (0.95, "p95"), (0.99, "p99")]),
        unit="s", lowest=0, no_value=NO_ANSWER, size=(12, 7)),
    "repeat": "target",
    "repeatDirection": "h",
    "maxPerRow": 2,
}

LOSS_TREND = chart(
    "Loss",
    """Share of the pings that were lost. Normal: 0. During an outage 100 % to all; to one target
    alone it is that target. Lines at 1 % and 5 %.""",
    series(f"rate(netmonitor_ping_lost_total{{{T}}}[$__rate_interval])"
           f" / rate(netmonitor_ping_requests_total{{{T}}}[$__rate_interval])", "{{target}}"),
    unit="percentunit", thresholds=LOSS, lowest=0, no_value=NO_ANSWER, size=(12, 9))

NEAR_AND_FAR = chart(
    "Gateway against far targets",
    """Mean time to the next hop, to near and to far targets. Normal: flat, in this order. Where
    all rise together the fault is between you and the next hop: your own line is full, or it is
    bad. Where only the far ones rise it is behind the provider. Next hops answer when they have
    nothing better to do: a slow gateway alone means little.""",
    series(mean(f'{R},scope="gateway"'), "gateway"),
    series(f"avg by (scope) ({mean(f'{R},scope=~`domestic|international`')})".replace("`", '"'),
           "{{scope}}"),
    unit="s", lowest=0, no_value=NO_ANSWER, size=(12, 9))

ACCESS_SERVER = chart(
    "LCP echo: the provider's access server",
    """Time of PPPoE's own echo to the other end of your line. Normal: steady, like the gateway. It
    needs LCP_RTT_FILE (docs/configuration.md).""",
    series(f"netmonitor_lcp_echo_rtt_seconds{{{R}}}", "echo"),
    unit="s", lowest=0, no_value="no answer, or not on this device: LCP_RTT_FILE is not set", size=(12, 9))

LONGEST_LOSS = chart(
    "Longest run of lost pings",
    """The longest time without an answer within the last 5 minutes, for each target. Normal: below 3
    s; from there on to all targets at once it is an outage.""",
    series(f"netmonitor_ping_longest_loss_seconds{{{T}}}", "{{target}}"),
    unit="s", lowest=0, no_value=NO_ANSWER, size=(12, 8))

STRAYS = chart(
    "Late and duplicate answers",
    """Answers an hour that came after the time-out, which count as lost, or twice. Normal: 0. Many
    late ones are a queue that is too long (bufferbloat); duplicates a loop.""",
    series(f"increase(netmonitor_ping_late_replies_total{{{T}}}[1h])", "{{target}} late"),
    series(f"increase(netmonitor_ping_duplicate_replies_total{{{T}}}[1h])", "{{target}} twice"),
    unit="none", lowest=0, no_value=NO_ANSWER, size=(12, 8))

LOOKUPS = chart(
    "DNS: time of look-ups",
    """95 % of the look-ups of DNS_NAME by each of the router's resolvers were faster. Normal: below
    50 ms. Off unless DNS_NAME is set.""",
    series("histogram_quantile(0.95, sum by (server, le)"
           f" (rate(netmonitor_dns_lookup_seconds_bucket{{{R}}}[$__rate_interval])))", "{{server}}"),
    unit="s", lowest=0, no_value=NO_LOOKUPS, size=(12, 8))

LOOKUP_FAILURES = chart(
    "DNS: failed look-ups",
    """Share of the look-ups of 5 minutes that found no address. Normal: 0. Above one half the alert
    DnsFailing fires: pings work, and web pages do not.""",
    series(f"server:netmonitor_dns_failures:ratio_rate5m{{{R}}}", "{{server}}"),
    unit="percentunit", thresholds=DNS_FAILURES, lowest=0, highest=1,
    no_value=NO_LOOKUPS, size=(12, 8))



def slowest(words, scope, limits):
    return stat(
        f"Slowest {words} target",
        f"""The highest mean of 5 minutes among the {words} targets. Normal: below
        {limits['steps'][1]['value'] * 1000:.0f} ms; orange from there, red from 500 ms.""",
        now(f'topk(1, target:netmonitor_ping_rtt_seconds:mean_rate5m{{{T},scope="{scope}"}})',
            "{{target}}"),
        unit="s", thresholds=limits, text_mode="value_and_name",
        no_value=f"no {words} target answers", size=(6, 3))


LOST = stat(
    "Most loss now",
    "The highest loss of 5 minutes among the targets on the internet. Normal: 0 %.",
    now(f'topk(1, target:netmonitor_ping_loss:ratio_rate5m{{{T},scope!="gateway"}})', "{{target}}"),
    unit="percentunit", decimals=1, thresholds=LOSS, text_mode="value_and_name",
    no_value=NO_ANSWER, size=(6, 3))

UNSENT = stat(
    "Pings that could not leave, 24 h",
    """Requests for which there was no network, route or device. They are lost ones as well. Normal:
    0; every outage with the WAN down adds one a second for each target.""",
    now(f"sum(round(increase(netmonitor_ping_send_errors_total{{{T}}}[24h])))"),
    unit="none", decimals=0, no_value=NO_ANSWER, size=(6, 3))

BOARD = board(
    "latency", "Latency and loss",
    "Each target by itself: how long answers take, how that is spread, and what is lost.",
    [
        [slowest("near", "domestic", LATENCY), slowest("far", "international", LATENCY_FAR), LOST,
         UNSENT],
        [SLOW_ANSWERS, LOSS_TREND],
        [NEAR_AND_FAR, ACCESS_SERVER],
        [SPREAD],
        [QUANTILES],
        [LONGEST_LOSS, STRAYS],
        [LOOKUPS, LOOKUP_FAILURES],
    ],
    variables=[*ROUTER, TARGET], since="now-6h")
