-- Ask for predictions; print one line of JSON at the end.
-- REQUEST is a whole request with places for numbers, so that no two have the same head, or without any.
local template, count = os.getenv("REQUEST"), 0

function request()
  count = count + 1
  local last = count % 250
  return template:format(count, count, count, count, last, last)
end

function done(summary)
  local failed = summary.errors
  local errors = failed.connect + failed.read + failed.write + failed.status + failed.timeout
  io.write(('\n{"requests":%d,"duration_us":%d,"errors":%d}\n'):format(summary.requests, summary.duration, errors))
end
