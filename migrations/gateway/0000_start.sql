CREATE TABLE `edges` (
	`level` integer PRIMARY KEY NOT NULL,
	`hashes` blob NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `evidence` (
	`id` text PRIMARY KEY NOT NULL,
	`found_at` integer NOT NULL,
	`file` blob NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `headers` (
	`height` integer PRIMARY KEY NOT NULL,
	`header` blob NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `staged` (
	`key` text PRIMARY KEY NOT NULL,
	`size` integer NOT NULL,
	`bytes` blob NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `tips` (
	`slot` text PRIMARY KEY NOT NULL,
	`size` integer NOT NULL,
	`tip` blob NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `upstreams` (
	`name` text PRIMARY KEY NOT NULL,
	`lies` integer NOT NULL,
	`shut_out_until` integer NOT NULL
) STRICT;
