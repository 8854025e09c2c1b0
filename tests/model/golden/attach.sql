alter table "staging"."transactions" attach partition "staging"."part_8_2" for values from (8, 2) to (8, 3)
