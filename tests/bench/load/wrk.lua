-- Walks a file of requests, each of LENGTH bytes: wrk … -- FILE LENGTH OFFSET each|wrap|same
-- `each` sends every request once and ends with the file, `wrap` begins it again, `same` sends one for ever.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  file = assert(io.open(args[1], "rb"))
  length = tonumber(args[2])
  mode = args[4]
  exhausted = 0
  file:seek("set", tonumber(args[3]) * length)
  if mode == "same" then one = file:read(length) end
end

function request()
  if one then return one end
  local record = file:read(length)
  if record then return record end
  if mode == "wrap" then
    file:seek("set", 0)
    return file:read(length)
  end
  exhausted = 1
  wrk.thread:stop()
  return "GET /exhausted HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
end

function done(summary, latency, requests)
  local exhausted = 0
  for _, thread in ipairs(threads) do exhausted = exhausted + thread:get("exhausted") end
  io.write(string.format(
    '{"answers":%d,"refused":%d,"failed":%d,"seconds":%f,"p50Ms":%f,"p99Ms":%f,"exhausted":%d}\n',
    summary.requests, summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, exhausted))
end
