CREATE TABLE `certificate` (
	`size` integer PRIMARY KEY NOT NULL,
	`epoch` integer NOT NULL,
	`bytes` blob NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `committed` (
	`epoch` integer NOT NULL,
	`index` integer NOT NULL,
	`bytes` blob NOT NULL,
	`schedule` blob NOT NULL,
	PRIMARY KEY(`epoch`, `index`)
) WITHOUT ROWID, STRICT;
--> statement-breakpoint
CREATE TABLE `divergence` (
	`id` integer PRIMARY KEY NOT NULL,
	`info` text NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `epoch_record` (
	`epoch` integer PRIMARY KEY NOT NULL,
	`bytes` blob NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `evidence` (
	`id` integer PRIMARY KEY NOT NULL,
	`epoch` integer NOT NULL,
	`kind` text NOT NULL,
	`first` blob NOT NULL,
	`second` blob NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `guard` (
	`key` text PRIMARY KEY NOT NULL,
	`epoch` integer NOT NULL,
	`position` integer NOT NULL,
	`digest` blob NOT NULL
) WITHOUT ROWID, STRICT;
--> statement-breakpoint
CREATE TABLE `horizon` (
	`epoch` integer PRIMARY KEY NOT NULL,
	`round` integer NOT NULL,
	`commit` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `vertex` (
	`id` integer PRIMARY KEY NOT NULL,
	`epoch` integer NOT NULL,
	`round` integer NOT NULL,
	`author` integer NOT NULL,
	`digest` blob NOT NULL,
	`bytes` blob NOT NULL
) STRICT;
--> statement-breakpoint
CREATE INDEX `vertex_by_slot` ON `vertex` (`epoch`,`round`,`author`,`digest`);