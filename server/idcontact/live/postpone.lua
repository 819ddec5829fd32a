#!lua flags=allow-oom
-- A deadline that cannot be met now comes later, so that it does not stand in the way of others; full memory or not.
--
-- KEYS[1]  the deadlines of its bucket
-- ARGV[1]  the deadline; ARGV[2] when it comes, milliseconds
-- Answer: 1 when it was put off, 0 when it is no more
return redis.call('ZADD', KEYS[1], 'XX', 'CH', ARGV[2], ARGV[1])
