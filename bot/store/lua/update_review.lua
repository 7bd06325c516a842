-- Keep facts about a review. One that is gone, or that a Redis that took over has never seen, is not
-- made by that: the next attempt to open it would take it for opened.
-- id, fields; defaults: fields that are kept if there is none yet.

local review = key.review:format(args.id)
if redis.call('HEXISTS', review, 'state') == 0 then return end
set(args.id, args.fields)
for name, value in pairs(args.defaults) do redis.call('HSETNX', review, name, value) end
