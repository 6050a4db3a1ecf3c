-- POST the body from the environment; print one line of JSON at the end. Times are microseconds.
wrk.method = "POST"
wrk.body = os.getenv("BODY")
wrk.headers["Content-Type"] = "application/json"

-- With NEW_HEADS each request has a header of its own, as behind a proxy that numbers them.
if os.getenv("NEW_HEADS") ~= "" then
  local count, before, after = 0
  function request()
    if not before then
      wrk.headers["traceparent"] = "00-TRACE-01"
      before, after = wrk.format():match("^(.*)TRACE(.*)$")
    end
    count = count + 1
    return string.format("%s%032x-%016x%s", before, count, count, after)
  end
end

function done(summary, latency)
  local failed = summary.errors
  local line = '\n{"requests":%d,"duration_us":%d,"errors":%d,"p50_us":%d,"p99_us":%d}\n'
  local errors = failed.connect + failed.read + failed.write + failed.status + failed.timeout
  io.write(line:format(summary.requests, summary.duration, errors, latency:percentile(50), latency:percentile(99)))
end
