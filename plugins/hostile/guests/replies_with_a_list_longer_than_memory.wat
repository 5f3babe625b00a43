;; 3 MiB, from where memory ends soon.
(func $lie (param $reply i32) (param $count i32)
  (i32.store offset=12 (local.get $reply) (i32.const 3145728)))
