#!lua flags=allow-oom
-- Something for replicas to follow, also when the memory is full: who waits for them after it waits for this.
--
-- KEYS[1]  a key for it
return redis.call('SET', KEYS[1], '', 'EX', 60)
