#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# koedit.pl FROM TO [EDIT ...]: a kernel module with something wrong in it, for tests. What grows is
# put at the file's end, so that nothing else moves. Little endian, 32 and 64 bit.
#
#	tag KEY VALUE        the first tag KEY of .modinfo, or a new one; "-" takes all of KEY away
#	crc SYMBOL HEX       in __versions; "-" takes it away
#	symbol OLD NEW       another name
#	machine N            e_machine
#	relocation TYPE      of the first relocation of .text
#	relocate OFFSET      where that one is
#	size SECTION N       bytes of a section, zeros or cut
#	drop SECTION         nobody finds it by its name
#	notable              no table of symbols
#	names N              the first name of .BTF is N bytes later
#	cut N                only N percent of the file
#	sign                 what looks like a signature behind it
use strict;
use warnings;

my ($from, $to, @edits) = @ARGV;
open my $in, '<:raw', $from or die "$from: $!\n";
my $file = do { local $/; <$in> };
die "$from: expected a module\n" unless substr($file, 0, 4) eq "\x7fELF";
my $wide = ord(substr($file, 4, 1)) == 2;
my ($shoff) = $wide ? unpack('x40 Q<', $file) : unpack('x32 V', $file);
my ($shentsize, $shnum, $shstrndx) = unpack($wide ? 'x58 v3' : 'x46 v3', $file);

# Fields of a section's header: name type flags addr offset size link info align entsize
sub header {
	my $i = shift;
	return unpack $wide ? 'V2 Q<4 V2 Q<2' : 'V10', substr $file, $shoff + $i * $shentsize, $shentsize;
}
sub set_header {
	my $i = shift;
	substr($file, $shoff + $i * $shentsize, $shentsize) = pack $wide ? 'V2 Q<4 V2 Q<2' : 'V10', @_;
}
sub bytes {
	my @h = header(shift);
	return substr $file, $h[4], $h[5];
}
sub name_of { return (unpack "x$_[0] Z*", bytes($shstrndx)) }
sub find {
	my $name = shift;
	for my $i (1 .. $shnum - 1) {
		return $i if name_of((header($i))[0]) eq $name;
	}
	die "$from: no section $name\n";
}
# New bytes of a section, at the end of the file.
sub replace {
	my ($i, $data) = @_;
	my @h = header($i);
	$file .= "\0" x (-length($file) % 64);
	@h[4, 5] = (length $file, length $data);
	$file .= $data;
	set_header($i, @h);
}
sub add_name {
	my ($i, $name) = @_;
	my $data = bytes($i);
	replace($i, "$data$name\0");
	return length $data;
}

my $symsize = $wide ? 24 : 16;
sub symbols {
	my $table = find('.symtab');
	my @h = header($table);
	return ($table, $h[4], $h[5] / $symsize, $h[6]);
}

my %edit = (
	tag => sub {
		my ($key, $value) = splice @edits, 0, 2;
		my $i = find('.modinfo');
		my @tags = grep { length } split /\0+/, bytes($i);
		my $known = grep { /^\Q$key\E=/ } @tags;
		@tags = grep { !/^\Q$key\E=/ } @tags if $value eq '-';
		if ($value ne '-') {
			$known ? s/^\Q$key\E=.*/$key=$value/s : 0 for @tags;
			push @tags, "$key=$value" unless $known;
		}
		replace($i, join '', map { "$_\0" } @tags);
	},
	crc => sub {
		my ($symbol, $crc) = splice @edits, 0, 2;
		my $i = find('__versions');
		my ($data, $new) = (bytes($i), '');
		my $word = $wide ? 8 : 4;
		for (my $at = 0; $at < length $data; $at += 64) {
			my $one = substr $data, $at, 64;
			if (unpack("x$word Z*", $one) eq $symbol) {
				next if $crc eq '-';
				substr($one, 0, 4) = pack 'V', hex $crc;
			}
			$new .= $one;
		}
		replace($i, $new);
	},
	symbol => sub {
		my ($old, $new) = splice @edits, 0, 2;
		my ($table, $at, $n, $strings) = symbols();
		my $names = bytes($strings);
		my $name = add_name($strings, $new);
		for my $k (1 .. $n - 1) {
			my $p = $at + $k * $symsize;
			my $here = unpack 'V', substr $file, $p, 4;
			substr($file, $p, 4) = pack 'V', $name if unpack("x$here Z*", $names) eq $old;
		}
	},
	machine => sub { substr($file, 18, 2) = pack 'v', shift @edits },
	relocation => sub {
		my $type = shift @edits;
		my ($i) = grep { name_of((header($_))[0]) =~ /^\.rela?(\.init)?\.text$/ } 1 .. $shnum - 1;
		my $at = (header($i))[4];
		substr($file, $wide ? $at + 8 : $at + 4, $wide ? 4 : 1) = pack $wide ? 'V' : 'C', $type;
	},
	relocate => sub {
		my $offset = shift @edits;
		my ($i) = grep { name_of((header($_))[0]) =~ /^\.rela?(\.init)?\.text$/ } 1 .. $shnum - 1;
		substr($file, (header($i))[4], 4) = pack 'V', $offset;
	},
	size => sub {
		my ($name, $size) = splice @edits, 0, 2;
		my $i = find($name);
		my $data = bytes($i);
		$size += length $data if $size =~ /^[+-]/;
		replace($i, substr $data . "\0" x $size, 0, $size);
	},
	drop => sub {
		my $i = find(shift @edits);
		my @h = header($i);
		$h[0] = 0;
		set_header($i, @h);
	},
	notable => sub {
		my ($table) = symbols();
		my @h = header($table);
		$h[1] = 1;
		set_header($table, @h);
	},
	names => sub {
		my $more = shift @edits;
		my $i = find('.BTF');
		my $data = bytes($i);
		my $at = unpack('x4 V', $data) + unpack('x8 V', $data);
		substr($data, $at, 4) = pack 'V', $more + unpack 'V', substr $data, $at, 4;
		replace($i, $data);
	},
	cut => sub { $file = substr $file, 0, length($file) * shift(@edits) / 100 },
	sign => sub {
		$file .= 'not a signature' . pack('C8 N', 0, 0, 2, 0, 0, 0, 0, 0, 15) . "~Module signature appended~\n";
	},
);
while (@edits) {
	my $what = shift @edits;
	($edit{$what} || die "no edit $what\n")->();
}
open my $out, '>:raw', $to or die "$to: $!\n";
print $out $file;
close $out or die "$to: $!\n";
