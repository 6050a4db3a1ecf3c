-- POST the body from the environment; print one line of JSON at the end. Times are microseconds.
wrk.method = "POST"
wrk.body = os.getenv("BODY")
wrk.headers["Content-Type"] = "application/json"

-- CLOUD is a whole request with places for numbers, so that no two have the same head.
local cloud, count = os.getenv("CLOUD"), 0
if cloud ~= "" then
  function request()
    count = count + 1
    local last = count % 250
    return cloud:format(count, count, count, count, last, last)
  end
end

function done(summary, latency)
  local failed = summary.errors
  local line = '\n{"requests":%d,"duration_us":%d,"errors":%d,"p50_us":%d,"p99_us":%d}\n'
  local errors = failed.connect + failed.read + failed.write + failed.status + failed.timeout
  io.write(line:format(summary.requests, summary.duration, errors, latency:percentile(50), latency:percentile(99)))
end
