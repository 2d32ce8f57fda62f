CREATE TABLE `address` (
	`id` integer PRIMARY KEY NOT NULL,
	`payload` blob NOT NULL,
	`record` blob NOT NULL,
	`frontier` blob NOT NULL,
	`coins` blob
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `address_by_payload` ON `address` (`payload`);--> statement-breakpoint
CREATE TABLE `block` (
	`height` integer PRIMARY KEY NOT NULL,
	`header` blob NOT NULL,
	`leaves` blob NOT NULL,
	`extras` blob,
	`body_bytes` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `checkpoint` (
	`size` integer PRIMARY KEY NOT NULL,
	`bytes` blob NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `coin` (
	`address_id` integer NOT NULL,
	`key` blob NOT NULL,
	`txid` blob NOT NULL,
	`output` integer NOT NULL,
	`amount` integer NOT NULL,
	`height` integer NOT NULL,
	PRIMARY KEY(`address_id`, `key`)
) WITHOUT ROWID, STRICT;
--> statement-breakpoint
CREATE TABLE `epoch` (
	`epoch` integer PRIMARY KEY NOT NULL,
	`validators_hash` blob NOT NULL,
	`last_height` integer
) STRICT;
--> statement-breakpoint
CREATE TABLE `history` (
	`address_id` integer NOT NULL,
	`index` integer NOT NULL,
	`height` integer NOT NULL,
	`position` integer NOT NULL,
	`txid` blob NOT NULL,
	`received` integer NOT NULL,
	`spent` integer NOT NULL,
	PRIMARY KEY(`address_id`, `index`)
) WITHOUT ROWID, STRICT;
--> statement-breakpoint
CREATE TABLE `history_base` (
	`address_id` integer PRIMARY KEY NOT NULL,
	`size` integer NOT NULL,
	`peaks` blob NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `history_node` (
	`address_id` integer NOT NULL,
	`level` integer NOT NULL,
	`index` integer NOT NULL,
	`hash` blob NOT NULL,
	PRIMARY KEY(`address_id`, `level`, `index`)
) WITHOUT ROWID, STRICT;
--> statement-breakpoint
CREATE TABLE `log_hash` (
	`level` integer NOT NULL,
	`index` integer NOT NULL,
	`hash` blob NOT NULL,
	PRIMARY KEY(`level`, `index`)
) WITHOUT ROWID, STRICT;
--> statement-breakpoint
CREATE TABLE `meta` (
	`name` text PRIMARY KEY NOT NULL,
	`value` blob NOT NULL
) WITHOUT ROWID, STRICT;
--> statement-breakpoint
CREATE TABLE `payment` (
	`id` integer PRIMARY KEY NOT NULL,
	`prefix` integer NOT NULL,
	`txid` blob NOT NULL,
	`bytes` blob
) STRICT;
--> statement-breakpoint
CREATE INDEX `payment_by_prefix` ON `payment` (`prefix`);--> statement-breakpoint
CREATE TABLE `performance` (
	`epoch` integer NOT NULL,
	`validator` text NOT NULL,
	`rounds` integer NOT NULL,
	`rewards` integer NOT NULL,
	`checkpoints` integer NOT NULL,
	`cosigned` integer NOT NULL,
	`mismatched` integer NOT NULL,
	PRIMARY KEY(`epoch`, `validator`)
) WITHOUT ROWID, STRICT;
--> statement-breakpoint
CREATE TABLE `refusal` (
	`txid` blob PRIMARY KEY NOT NULL,
	`height` integer NOT NULL,
	`code` text NOT NULL
) WITHOUT ROWID, STRICT;
--> statement-breakpoint
CREATE INDEX `refusal_by_height` ON `refusal` (`height`);--> statement-breakpoint
CREATE TABLE `state_record` (
	`key` blob PRIMARY KEY NOT NULL,
	`value` blob NOT NULL
) WITHOUT ROWID, STRICT;
--> statement-breakpoint
CREATE TABLE `undo` (
	`height` integer PRIMARY KEY NOT NULL,
	`bytes` blob NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `validator_set` (
	`hash` blob PRIMARY KEY NOT NULL,
	`value` blob NOT NULL
) WITHOUT ROWID, STRICT;
