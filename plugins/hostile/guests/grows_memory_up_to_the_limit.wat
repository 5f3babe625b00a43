;; 24 MiB, which it touches.
(func $misdeed
  (if (i32.eq (memory.grow (i32.const 384)) (i32.const -1)) (then (unreachable)))
  (memory.fill (i32.const 131072) (i32.const 0) (i32.const 25165824)))
