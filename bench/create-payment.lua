-- wrk's side of `POST /v1/payments`: every request has an out_trade_no of its own.
-- Arguments after "--": the secret key, and what every number begins with.

local prefix, count = "", 0
local head, tail = '{"out_trade_no":"', '","amount":1234,"currency":"CNY","subject":"一杯咖啡","method":"cashier"}'

function init(arguments)
  wrk.method = "POST"
  wrk.headers["content-type"] = "application/json"
  wrk.headers["authorization"] = "Bearer " .. arguments[1]
  prefix = arguments[2] .. "-"
end

function request()
  count = count + 1
  return wrk.format(nil, nil, nil, head .. prefix .. count .. tail)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"duration_us":%d,"errors":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)
  ))
end
