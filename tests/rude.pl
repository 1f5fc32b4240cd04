#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A web server without manners: rude.pl DIR FILE writes its port to FILE and serves DIR below
# /MODE/WHERE/. WHERE says which files get the treatment of MODE: info, narinfo or nar; the
# others come as they are.
use strict;
use warnings;
use IO::Socket::INET;

my ($dir, $portfile) = @ARGV;
my $zeros = "\0" x 65536;
my $bomb = '';

sub slowly {
	my ($c, $text) = @_;
	for my $byte (split //, $text) {
		return unless $c->print($byte) && $c->flush;
		select undef, undef, undef, 0.2;
	}
}
sub for_ever {
	my ($c, $text) = @_;
	1 while $c->print($text);
}
sub reply {
	my ($status, $body, @headers) = @_;
	return join "\r\n", "HTTP/1.1 $status", "Content-Length: " . length $body, @headers,
		'Connection: close', '', $body;
}
sub moved { my $to = shift; return sub { $_[0]->print(reply('302 Found', '', "Location: $to")) } }
sub status { my $s = shift; return sub { $_[0]->print(reply($s, "<h1>$s</h1>")) } }
sub with_length {
	my $n = shift;
	return sub { $_[0]->print("HTTP/1.1 200 OK\r\nContent-Length: $n\r\nConnection: close\r\n\r\n$_[1]") };
}

my %modes = (
	'good' => sub { $_[0]->print(reply('200 OK', $_[1])) },
	'redirect-to-file' => moved('file:///etc/passwd'),
	'redirect-nowhere' => moved('http://127.0.0.1:1/x'),
	'redirect-loop' => sub { moved($_[2])->($_[0]) },
	'redirect-split' => moved("/x\r\nX-Evil: 1"),
	'status-401' => status('401 Unauthorized'),
	'status-403' => status('403 Forbidden'),
	'status-500' => status('500 Internal Server Error'),
	'silent' => sub { sleep 60 },
	'slow-head' => sub { slowly($_[0], "HTTP/1.1 200 OK\r\n" . "X-Slow: y\r\n" x 100) },
	'slow-body' => sub { $_[0]->print("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"); slowly($_[0], 'x' x 100) },
	'endless-head' => sub { $_[0]->print("HTTP/1.1 200 OK\r\n"); for_ever($_[0], "X: " . 'y' x 8000 . "\r\n") },
	'endless-continue' => sub { for_ever($_[0], "HTTP/1.1 100 Continue\r\n\r\n") },
	'endless-body' => sub { $_[0]->print("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"); for_ever($_[0], $zeros) },
	'endless-chunks' => sub {
		$_[0]->print("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
		for_ever($_[0], "10000\r\n$zeros\r\n");
	},
	'bad-chunks' => sub { $_[0]->print("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n$_[1]\r\n0\r\n\r\n") },
	'no-reply' => sub { },
	'early-close' => sub { with_length(100000)->($_[0], substr $_[1], 0, 10) },
	'length-short' => sub { with_length(10)->(@_) },
	'length-huge' => with_length(1 << 60),
	'length-negative' => with_length(-5),
	'html' => sub { $_[0]->print(reply('200 OK', "<html>\n<h1>It works!</h1>\n</html>\n", 'Content-Type: text/html')) },
	'gzip-bomb' => sub { $_[0]->print(reply('200 OK', $bomb, 'Content-Encoding: gzip')) },
	'no-http' => sub { $_[0]->print($_[1]) },
	'garbage' => sub { $_[0]->print("\xff\xfe\0" x 1000) },
);

sub where {
	my $file = shift;
	return $file eq 'nix-cache-info' ? 'info' : $file =~ /\.narinfo\z/ ? 'narinfo' : 'nar';
}

sub serve {
	my $c = shift;
	my $line = <$c> // return;
	while (defined(my $h = <$c>)) { last if $h =~ /\A\r?\n\z/ }
	my ($path) = $line =~ m{\AGET (\S+) } or return;
	my ($mode, $where, $file) = $path =~ m{\A/([^/]+)/([^/]+)/([\w./-]+)\z} or return;
	my $body;
	if (open my $f, '<:raw', "$dir/$file") {
		local $/;
		$body = <$f>;
	}
	return status('404 Not Found')->($c) unless defined $body || where($file) eq $where;
	return $modes{where($file) eq $where ? $mode : 'good'}->($c, $body // '', $path);
}

$SIG{PIPE} = 'IGNORE';
$SIG{CHLD} = 'IGNORE';
my $listen = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1', ReuseAddr => 1) or die $!;
if ($portfile eq '--list') {
	print "$_\n" for sort keys %modes;
	exit;
}
$bomb = `head -c 67108864 /dev/zero | gzip -c1`;
open my $f, '>', "$portfile.new" or die $!;
print $f $listen->sockport . "\n";
close $f;
rename "$portfile.new", $portfile or die $!;
for (;;) {
	my $c = $listen->accept or next;
	next if fork;
	close $listen;
	serve($c);
	exit;
}
