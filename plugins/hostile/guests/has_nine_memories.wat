(memory $b 1) (memory $c 1) (memory $d 1) (memory $e 1)
(memory $f 1) (memory $g 1) (memory $h 1) (memory $i 1)
