;; 4 GiB.
(memory $memory (export "memory") 65536)
