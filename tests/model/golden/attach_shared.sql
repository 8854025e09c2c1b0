alter table "staging"."customers" attach partition "staging"."shared_256" for values from (256, minvalue) to (512, minvalue)
