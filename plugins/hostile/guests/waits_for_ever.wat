;; In shared memory, for a thread that never comes. Nothing could wake it.
(memory $shared 1 1 shared)
(func $misdeed
  (drop (memory.atomic.wait32 $shared (i32.const 0) (i32.const 0) (i64.const -1))))
