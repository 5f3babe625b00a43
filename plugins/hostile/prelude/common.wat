;; A well-behaved migration of the app `hostile` to 2.0.0, but for what a guest puts in the place of
;; a definition. Definitions are parted by empty lines; the one of a guest replaces the one of the
;; same name here.
;;
;; Memory: 256 words, 400 the descriptor, 512 the reply, 600 what a host call returns, from 1024 the
;; guest's own, from 65536 the heap.

(memory $memory (export "memory") 2)

(data $app (i32.const 256) "hostile")

(data $version (i32.const 264) "2.0.0")

(data $step (i32.const 272) "apply")

(data $items (i32.const 280) "items")

(data $notes (i32.const 288) "notes")

(data $summary (i32.const 296) "looks harmless")

(data $good_body (i32.const 320) "{\"migrated\":true}")

;; app, version, requires nothing, depends on nothing, summary, steps
(data $descriptor (i32.const 400)
  "\00\01\00\00\07\00\00\00" "\08\01\00\00\05\00\00\00" "\00\00\00\00\00\00\00\00\00\00\00\00"
  "\00\00\00\00\00\00\00\00" "\28\01\00\00\0e\00\00\00" "\c8\01\00\00\01\00\00\00")

;; one step: name; offline, the mode; collection, reads nothing, writes
(data $step_head (i32.const 456) "\10\01\00\00\05\00\00\00\00")

;; 0 rewrites, 1 derives
(data $mode (i32.const 465) "\00")

(data $step_rest (i32.const 468)
  "\18\01\00\00\05\00\00\00" "\00\00\00\00\00\00\00\00" "\f0\01\00\00\01\00\00\00")

;; the collections that the step writes
(data $writes (i32.const 496) "\20\01\00\00\05\00\00\00")

(global $heap (mut i32) (i32.const 65536))

;; The item that is looked at.
(global $id (mut i32) (i32.const 0))

(global $id_len (mut i32) (i32.const 0))

(global $body (mut i32) (i32.const 0))

(global $body_len (mut i32) (i32.const 0))

;; What will be said of it.
(global $kind (mut i32) (i32.const 0))

(global $payload (mut i32) (i32.const 0))

(global $payload_len (mut i32) (i32.const 0))

;; Whether a marked item has been met. A guest may look at it wherever it likes.
(global $armed (mut i32) (i32.const 0))

(func $alloc (param $size i32) (param $align i32) (result i32)
  (local $start i32)
  (local $missing i32)
  (local.set $start
    (i32.and
      (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
  (global.set $heap (i32.add (local.get $start) (local.get $size)))
  (local.set $missing
    (i32.sub
      (i32.shr_u (i32.add (global.get $heap) (i32.const 65535)) (i32.const 16))
      (memory.size $memory)))
  (if (i32.gt_s (local.get $missing) (i32.const 0))
    (then
      (if (i32.eq (memory.grow $memory (local.get $missing)) (i32.const -1))
        (then (unreachable)))))
  (local.get $start))

(func $realloc (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
  (call $alloc (local.get $size) (local.get $align)))

(func $describe (result i32) (i32.const 400))

(func $described (param i32))

;; After a reply was read.
(func $migrated (param i32) (global.set $heap (i32.const 65536)))

;; What a guest does when it meets the marked item.
(func $misdeed)

;; What a guest makes of the reply to a batch with the marked item: where it is, how many items.
(func $lie (param $reply i32) (param $count i32))

;; What a well-behaved guest says of an item.
(func $behave
  (global.set $kind (i32.const 1))
  (global.set $payload (i32.const 320))
  (global.set $payload_len (i32.const 17)))

;; Says of the item that it has a new body, or any other kind with a payload.
(func $answer (param $kind i32) (param $payload i32) (param $payload_len i32)
  (global.set $kind (local.get $kind))
  (global.set $payload (local.get $payload))
  (global.set $payload_len (local.get $payload_len)))

(func $is_marked (result i32)
  (local $i i32)
  (block $none
    (loop $next
      (br_if $none (i32.ge_u (local.get $i) (global.get $body_len)))
      (if (i32.eq (i32.load8_u (i32.add (global.get $body) (local.get $i))) (i32.const 0x21))
        (then (return (i32.const 1))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
  (i32.const 0))

;; Twelve bytes for each item: the kind, where the payload is, how long it is.
(func $outcomes (param $count i32) (result i32)
  (local $i i32)
  (local $table i32)
  (local $entry i32)
  (local.set $table (call $alloc (i32.mul (local.get $count) (i32.const 12)) (i32.const 4)))
  (block $done
    (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $count)))
      (call $item (local.get $i))
      (call $behave)
      (if (call $is_marked)
        (then
          (global.set $armed (i32.const 1))
          (call $misdeed)))
      (local.set $entry (i32.add (local.get $table) (i32.mul (local.get $i) (i32.const 12))))
      (i32.store (local.get $entry) (global.get $kind))
      (i32.store offset=4 (local.get $entry) (global.get $payload))
      (i32.store offset=8 (local.get $entry) (global.get $payload_len))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
  (local.get $table))

;; What the last call of `documents` came to: 0 well, 1 denied, 2 a limit, 3 not valid.
(func $told (result i32)
  (if (i32.eqz (i32.load8_u (i32.const 600))) (then (return (i32.const 0))))
  (i32.add (i32.load8_u (i32.const 604)) (i32.const 1)))

;; Traps unless the last call of `documents` came to this.
(func $expect (param $told i32)
  (if (i32.ne (call $told) (local.get $told)) (then (unreachable))))

(func $say (param $text i32) (param $len i32)
  (call $log (i32.const 2) (local.get $text) (local.get $len) (i32.const 0) (i32.const 0) (i32.const 0)))

;; Puts a note with the good body under an id of some bytes.
(func $note (param $id i32) (param $len i32)
  (call $put (i32.const 288) (i32.const 5) (local.get $id) (local.get $len)
    (i32.const 320) (i32.const 17) (i32.const 600)))

(export "cabi_realloc" (func $realloc))

(export "godwit:migration/description@1.0.0#describe" (func $describe))

(export "cabi_post_godwit:migration/description@1.0.0#describe" (func $described))
