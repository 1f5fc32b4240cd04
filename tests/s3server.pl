#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The part of S3 that a binary cache needs, for tests: GET, HEAD and PUT of objects below
# /BUCKET/, each signed with AWS Signature Version 4, which is checked as Amazon documents it
# ("Authenticating Requests: Using the Authorization Header").
#
#	s3server.pl DIR KEY-ID SECRET REGION        prints its port, serves until it is killed
#
# Objects are files of DIR. DIR/.log has a line for each request: method, path, status, and why.
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Digest::SHA qw(sha256_hex hmac_sha256 hmac_sha256_hex);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use IO::Socket::INET;
use POSIX qw(strftime setlocale LC_ALL);
use Time::Local qw(timegm);

my ($dir, $id, $secret, $region) = @ARGV;
my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64, ReuseAddr => 1)
	or die "cannot listen: $!";
$| = 1;
setlocale(LC_ALL, 'C');
print $listen->sockport, "\n";
close STDOUT;
$SIG{CHLD} = 'IGNORE';

sub unescape {
	my ($s) = @_;
	$s =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
	return $s;
}

sub escape {
	my ($s, $slash) = @_;
	$s =~ s/([^A-Za-z0-9\-._~\/])/sprintf '%%%02X', ord $1/ge;
	$s =~ s/\//%2F/g if !$slash;
	return $s;
}

sub canonical_query {
	my ($query) = @_;
	my @pairs;
	for my $pair (split /&/, $query) {
		my ($k, $v) = split /=/, $pair, 2;
		push @pairs, [escape(unescape($k)), escape(unescape($v // ''))];
	}
	return join '&', map {"$_->[0]=$_->[1]"} sort {$a->[0] cmp $b->[0] || $a->[1] cmp $b->[1]} @pairs;
}

# '' when the request is signed by who it says, else the code S3 would answer.
sub refused {
	my ($method, $path, $query, $h, $body) = @_;
	my $auth = $h->{authorization} // '';
	$auth =~ m{^AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request,\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})$}
		or return 'AccessDenied';
	my ($who, $day, $where, $signed, $signature) = ($1, $2, $3, $4, $5);
	return 'InvalidAccessKeyId' if $who ne $id;
	return 'AuthorizationHeaderMalformed' if $where ne $region;
	my $date = $h->{'x-amz-date'} // '';
	$date =~ /^((\d{4})(\d\d)(\d\d))T(\d\d)(\d\d)(\d\d)Z$/ && $1 eq $day or return 'AccessDenied';
	return 'RequestTimeTooSkewed' if abs(timegm($7, $6, $5, $4, $3 - 1, $2) - time) > 900;
	my $hash = $h->{'x-amz-content-sha256'} // return 'MissingSecurityHeader';
	return 'XAmzContentSHA256Mismatch' if $hash ne 'UNSIGNED-PAYLOAD' && $hash ne sha256_hex($body);
	my @names = split /;/, $signed;
	my %signed = map {$_ => 1} @names;
	for my $must ('host', grep {/^x-amz-/} keys %$h) {
		return 'AccessDenied' if !$signed{$must};
	}
	my $headers = '';
	for my $name (@names) {
		my $value = $h->{$name} // return 'AccessDenied';
		$value =~ s/^\s+|\s+$//g;
		$value =~ s/ +/ /g;
		$headers .= "$name:$value\n";
	}
	my $canonical = join "\n", $method, escape(unescape($path), 1), canonical_query($query), $headers,
		$signed, $hash;
	my $scope = "$day/$region/s3/aws4_request";
	my $text = join "\n", 'AWS4-HMAC-SHA256', $date, $scope, sha256_hex($canonical);
	my $key = "AWS4$secret";
	$key = hmac_sha256($_, $key) for $day, $region, 's3', 'aws4_request';
	return hmac_sha256_hex($text, $key) eq $signature ? '' : 'SignatureDoesNotMatch';
}

sub object {
	my ($file) = @_;
	open my $f, '<:raw', $file or return;
	local $/;
	return scalar <$f>;
}

sub store {
	my ($file, $body) = @_;
	make_path(dirname $file);
	open my $f, '>:raw', "$file.$$" or return 'InternalError';
	print $f $body;
	close $f or return 'InternalError';
	return rename("$file.$$", $file) ? '' : 'InternalError';
}

sub serve {
	my ($c) = @_;
	my ($method, $path, $query, %h);
	my $line = <$c> // return 0;
	$line =~ m{^(\S+) ([^? ]+)\??(\S*) HTTP/1} or return 0;
	($method, $path, $query) = ($1, $2, $3);
	while (defined($line = <$c>) && $line =~ /^([^:]+):\s*(.*?)\r?\n$/) {
		$h{lc $1} = $2;
	}
	print $c "HTTP/1.1 100 Continue\r\n\r\n" if lc($h{expect} // '') eq '100-continue';
	my $body = '';
	read $c, $body, $h{'content-length'} // 0;

	my $file = $dir . unescape($path);
	my $why = refused($method, $path, $query, \%h, $body);
	my $status = $why ? 403 : 200;
	my $reply = '';
	if (!$why && $method eq 'PUT') {
		$why = store($file, $body);
		$status = 500 if $why;
	} elsif (!$why) {
		my $found = -f $file ? object($file) : undef;
		$reply = $found // '';
		($status, $why) = (404, 'NoSuchKey') if !defined $found;
	}
	$reply = "<?xml version=\"1.0\"?>\n<Error><Code>$why</Code></Error>\n" if $why;
	my $n = length $reply;
	my $tag = md5_hex($method eq 'PUT' ? $body : $reply);
	my $time = strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime((stat $file)[9] // 0));
	print $c "HTTP/1.1 $status X\r\nContent-Length: $n\r\nETag: \"$tag\"\r\nLast-Modified: $time\r\n\r\n",
		$method eq 'HEAD' ? '' : $reply;
	open my $log, '>>', "$dir/.log";
	print $log "$method $path $status $why\n";
	return 1;
}

while (1) {
	my $c = $listen->accept or next;
	next if fork;
	close $listen;
	binmode $c;
	$c->autoflush(1);
	while (serve($c)) {}
	exit 0;
}
