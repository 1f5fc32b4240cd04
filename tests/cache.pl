#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Binary caches that are not what they should be, made without any code of kbuild: store
# paths, archives, narinfos and signatures are computed here a second time.
#
#	cache.pl keys DIR              key pairs good, stranger and twin (named like good)
#	cache.pl list                  the names of all cases
#	cache.pl make KEYS DIR CASE    a cache in DIR; prints the path to pull, a tab, and what the
#	                               refusal says: a regular expression, or OK
use strict;
use warnings;
use Digest::SHA qw(sha256 sha256_hex);
use JSON::PP;
use MIME::Base64;

my ($keys, $dir);

# --- store paths ---------------------------------------------------------------------------

sub nix32 {
	my @bytes = unpack 'C*', shift;
	my $out = '';
	for (my $n = int((@bytes * 8 + 4) / 5) - 1; $n >= 0; $n--) {
		my ($byte, $bit) = (int($n * 5 / 8), $n * 5 % 8);
		my $v = $bytes[$byte] >> $bit | ($bytes[$byte + 1] // 0) << (8 - $bit);
		$out .= substr '0123456789abcdfghijklmnpqrsvwxyz', $v & 31, 1;
	}
	return $out;
}

sub store_path {
	my ($type, $inner, $name) = @_;
	my @h = unpack 'C*', sha256("$type:sha256:$inner:/nix/store:$name");
	my @short = (0) x 20;
	$short[$_ % 20] ^= $h[$_] for 0 .. 31;
	return '/nix/store/' . nix32(pack 'C*', @short) . "-$name";
}

sub base { return $_[0] =~ s{^/nix/store/}{}r }

# --- archives ------------------------------------------------------------------------------

sub str {
	my $s = shift;
	return pack('Q<', length $s) . $s . "\0" x (-length($s) % 8);
}
sub node { return join '', map { str($_) } '(', 'type', @_ }
sub archive { return str('nix-archive-1') . join '', @_ }
sub file { return node('regular', 'contents', shift, ')') }
sub exe { return node('regular', 'executable', '', 'contents', shift, ')') }
sub lnk { return node('symlink', 'target', shift, ')') }

# directory(NAME => NODE, ...) in this very order.
sub directory {
	my $out = node('directory');
	while (my ($name, $child) = splice @_, 0, 2) {
		$out .= join '', map { str($_) } 'entry', '(', 'name', $name, 'node';
		$out .= $child . str(')');
	}
	return $out . str(')');
}

# --- signatures ----------------------------------------------------------------------------

sub run { system(@_) == 0 or die "@_: $?" }

sub slurp {
	open my $f, '<:raw', shift or die "@_: $!";
	local $/;
	return scalar <$f>;
}

sub spew {
	open my $f, '>:raw', $_[0] or die "$_[0]: $!";
	print $f $_[1];
	close $f or die;
}

sub make_keys {
	for my $key (['good', 'good-1'], ['stranger', 'stranger-1'], ['twin', 'good-1']) {
		my $pem = "$keys/$key->[0].pem";
		run('openssl', 'genpkey', '-algorithm', 'ed25519', '-out', $pem);
		my $der = `openssl pkey -in $pem -pubout -outform DER`;
		spew("$keys/$key->[0].pub", "$key->[1]:" . encode_base64(substr($der, -32), ''));
	}
}

sub fingerprint {
	my $o = shift;
	return "1;$o->{path};sha256:" . nix32($o->{hash}) . ";$o->{size};" . join ',', @{$o->{refs}};
}

sub sign {
	my ($o, $key) = @_;
	my $name = slurp("$keys/$key.pub") =~ s/:.*//sr;
	spew("$keys/text", fingerprint($o));
	run('openssl', 'pkeyutl', '-sign', '-rawin', '-inkey', "$keys/$key.pem", '-in',
		"$keys/text", '-out', "$keys/sig");
	return "$name:" . encode_base64(slurp("$keys/sig"), '');
}

# --- objects -------------------------------------------------------------------------------

# An object whose claims are all true: object(NAME, NODE, REFS). Content-addressed.
sub object {
	my ($name, $root, @refs) = @_;
	my $nar = archive($root);
	my %o = (name => $name, nar => $nar, hash => sha256($nar), size => length $nar);
	@refs = sort @refs;
	$o{refs} = \@refs;
	$o{path} = store_path(join(':', 'source', @refs), sha256_hex($nar), $name);
	$o{ca} = 'fixed:r:sha256:' . nix32($o{hash});
	return \%o;
}

# The same at a path that does not prove it; signed.
sub signed {
	my $o = object(@_);
	$o->{path} = store_path('output:out', sha256_hex("key of $_[0]"), $_[0]);
	delete $o->{ca};
	$o->{key} = 'good';
	return $o;
}

# A realisation: a signed link to a path.
sub mapping {
	my ($name, $target) = @_;
	return signed($name, lnk($target), $target);
}

my %tools = (
	xz => ['xz', 'xz', '-0'], zstd => ['zst', 'zstd', '-q', '-1'],
	bzip2 => ['bz2', 'bzip2', '-1'], gzip => ['gz', 'gzip', '-1'],
	lz4 => ['lz4', 'lz4', '-q', '-1']);

sub compressed {
	my ($bytes, $how, @more) = @_;
	return $bytes if $how eq 'none';
	my ($ext, @cmd) = @{$tools{$how}};
	spew("$keys/in", $bytes);
	open my $f, '-|:raw', @cmd, @more, '-c', "$keys/in" or die "$cmd[0]: $!";
	local $/;
	return scalar <$f>;
}

# Writes the object. Everything can be said otherwise than it is: in `set` the value of a
# line (undef leaves it out), `file` the bytes of the archive's file, `text` all of it.
sub put {
	my $o = shift;
	my $how = $o->{compression} // 'none';
	my $file = $o->{file} // compressed($o->{nar}, $how);
	my $url = 'nar/' . nix32(sha256($file)) . '.nar' . ($how eq 'none' ? '' : ".$tools{$how}[0]");
	my @lines = (
		[StorePath => $o->{path}], [URL => $url], [Compression => $how],
		[FileHash => 'sha256:' . nix32(sha256($file))], [FileSize => length $file],
		[NarHash => 'sha256:' . nix32($o->{hash})], [NarSize => $o->{size}],
		[References => join ' ', map { base($_) } @{$o->{refs}}]);
	push @lines, [Sig => $o->{sig} // sign($o, $o->{key})] if $o->{sig} || $o->{key};
	push @lines, [CA => $o->{ca}] if $o->{ca};
	my $text = '';
	for (@lines) {
		my ($key, $value) = @$_;
		$value = $o->{set}{$key} if exists $o->{set}{$key};
		$text .= "$key: $value\n" if defined $value;
	}
	$text .= $o->{more} // '';
	$text = $o->{change}->($text) if $o->{change};
	mkdir "$dir/nar";
	spew("$dir/$url", $file);
	spew("$dir/" . substr(base($o->{at} // $o->{path}), 0, 32) . '.narinfo', $o->{text} // $text);
	return $o->{path};
}

# --- cases ---------------------------------------------------------------------------------

# What is said of a true, content-addressed object.
sub lie {
	my %how = @_;
	return sub { put({%{object('thing', file("hello\n"))}, %how}) };
}
# The same of a signed one.
sub signed_lie {
	my %how = @_;
	return sub { put({%{signed('thing', file("hello\n"))}, %how}) };
}
sub line { my %set = @_; return lie(set => \%set) }
# An archive that is none, told truly.
sub bad_nar {
	my $node = shift;
	return sub { put(object('thing', ref $node ? $node->() : $node)) };
}
# A signature over something else.
sub signature_of {
	my %other = @_;
	return sub {
		my $o = signed('thing', file("hello\n"));
		$o->{sig} = sign({%$o, %other}, 'good');
		put($o);
	};
}
sub deep {
	my $n = file('x');
	$n = directory(d => $n) for 1 .. 100;
	return $n;
}
# A bomb: `head`, then a file of a gibibyte of zeros, compressed; a size that is small.
sub bomb {
	my $how = shift;
	my ($ext, @cmd) = @{$tools{$how}};
	my $head = archive(node('regular', 'contents')) . pack 'Q<', 1 << 30;
	spew("$keys/head", $head);
	my $bytes = `{ cat $keys/head; head -c 1073741824 /dev/zero; } | @cmd -c`;
	put({%{object('thing', file("hello\n"))}, file => $bytes, compression => $how, set => {}});
}
# An xz file that asks for a window of four gigabytes.
sub wide_xz {
	require Compress::Zlib;
	my $o = object('thing', file("hello\n"));
	my $f = compressed($o->{nar}, 'xz');
	# Stream header: 12 bytes. Block header: size, flags, [sizes], filter 0x21, 1, window.
	my $len = (ord(substr $f, 12, 1) + 1) * 4;
	my $head = substr $f, 12, $len - 4;
	$head =~ s/\x21\x01./\x21\x01\x28/s or die 'no filter';
	substr $f, 12, $len, $head . pack 'L<', Compress::Zlib::crc32($head);
	put({%$o, file => $f, compression => 'xz'});
}

my $leaf = sub { object('leaf', file("leaf\n")) };
my $absent = '/nix/store/00000000000000000000000000000000-absent';

my @cases = (
	# What must work, or all the rest proves nothing.
	['ok-content', 'OK', lie()],
	['ok-signed', 'OK', signed_lie()],
	['ok-mapping', 'OK', sub { my $t = object('thing', file("x")); put($t); put(mapping('thing', $t->{path})) }],
	['ok-tree', 'OK', bad_nar(directory(Foo => file('x'), foo => exe('y'), link => lnk('../../etc')))],
	['ok-references', 'OK', sub { put($leaf->()); put(object('thing', file($leaf->()->{path}), $leaf->()->{path})) }],
	['ok-without-file-hash', 'OK', line(FileHash => undef, FileSize => undef)],
	(map { my $how = $_; ["ok-$how", 'OK', lie(compression => $how)] } sort keys %tools),

	# Signatures.
	['unsigned', 'neither content-addressed nor signed', signed_lie(key => undef)],
	['unknown-key', 'of a trusted key \(stranger-1\)', signed_lie(key => 'stranger')],
	['same-name-other-key', 'of a trusted key \(good-1\)', signed_lie(key => 'twin')],
	['signed-other-references', 'of a trusted key', signature_of(refs => ["$absent"])],
	['signed-other-size', 'of a trusted key', signature_of(size => 1)],
	['signed-other-hash', 'of a trusted key', signature_of(hash => sha256('x'))],
	['signed-other-path', 'of a trusted key', signature_of(path => $absent)],
	['signature-of-nothing', 'of a trusted key', signed_lie(sig => 'good-1:' . encode_base64("\0" x 64, ''))],
	['signature-too-short', 'of a trusted key', signed_lie(sig => 'good-1:' . encode_base64("\0" x 63, ''))],
	['signatures-many', 'has 5001 signatures', signed_lie(more => join '', ('Sig: good-1:' . encode_base64("\0" x 64, '') . "\n") x 5000)],
	['signature-no-base64', 'expected a signature', signed_lie(sig => 'good-1:%%%%')],
	['signature-without-name', 'expected a signature', signed_lie(sig => ':' . encode_base64("\0" x 64, ''))],

	# Content addresses. Store scenario 5: the claim of one object, the bytes of another.
	['address-of-another', 'its content address is that of', line(CA => 'fixed:r:sha256:' . nix32(sha256('x')))],
	['other-bytes-and-hash', 'do not have its content address', sub {
		my ($o, $other) = (object('thing', file("hello\n")), object('thing', file("hullo\n")));
		put({%$other, path => $o->{path}, ca => $o->{ca}});
	}],
	['other-bytes', 'not what was claimed', sub {
		my ($o, $other) = (object('thing', file("hello\n")), object('thing', file("hullo\n")));
		put({%$o, file => $other->{nar}});
	}],
	['other-bytes-without-hash', 'not what was claimed', sub {
		my ($o, $other) = (object('thing', file("hello\n")), object('thing', file("hullo\n")));
		put({%$o, file => $other->{nar}, set => {FileHash => undef, FileSize => undef}});
	}],
	['other-bytes-signed', 'not what was claimed', sub {
		my ($o, $other) = (signed('thing', file("hello\n")), signed('thing', file("hullo\n")));
		put({%$o, file => $other->{nar}});
	}],
	['address-unknown', 'neither content-addressed nor signed', line(CA => 'fixed:r:sha1:' . 'a' x 32)],
	['address-on-signed', 'its content address is that of', signed_lie(ca => 'fixed:r:sha256:' . nix32(sha256('x')))],
	['address-flat-executable', 'not what was claimed', sub {
		my $o = object('thing', exe("hello\n"));
		my $h = sha256("hello\n");
		$o->{ca} = 'fixed:sha256:' . nix32($h);
		$o->{path} = store_path('output:out', sha256_hex('fixed:out:sha256:' . unpack('H*', $h) . ':'), 'thing');
		put($o);
	}],
	['address-text-of-directory', 'expected a single file', sub {
		my $o = object('thing', directory(a => file('x')));
		$o->{ca} = 'text:sha256:' . nix32(sha256('x'));
		$o->{path} = store_path('text', sha256_hex('x'), 'thing');
		put($o);
	}],
	['two-addresses', 'second line CA', lie(more => "CA: x\n")],

	# References.
	['reference-unsaid', 'mentions .*, which was not declared', sub {
		my $l = $leaf->();
		my $mid = object('mid', file($l->{path}), $l->{path});
		put($_) for $l, $mid;
		put(object('thing', file("$l->{path} $mid->{path}"), $mid->{path}));
	}],
	['reference-too-much', 'does not mention it', sub {
		my $l = $leaf->();
		put($l);
		put(object('thing', file('nothing'), $l->{path}));
	}],
	['reference-dropped', 'its content address is that of', sub {
		my $l = $leaf->();
		put($l);
		put({%{object('thing', file($l->{path}), $l->{path})}, set => {References => ''}});
	}],
	['reference-added', 'its content address is that of', sub {
		my $l = $leaf->();
		put($l);
		put({%{object('thing', file('x'))}, set => {References => base($l->{path})}});
	}],
	['reference-dropped-signed', 'of a trusted key', sub {
		my $l = $leaf->();
		put($l);
		put({%{signed('thing', file($l->{path}), $l->{path})}, set => {References => ''}});
	}],
	['reference-missing', 'no cache has /nix/store/0*-absent, needed by', sub {
		put(object('thing', file($absent), $absent));
	}],
	['reference-no-path', 'expected a store path', line(References => '../../etc/passwd')],
	['reference-upwards', 'expected a store path', line(References => '..')],
	['references-in-a-circle', 'in a circle', sub {
		my ($a, $b) = map { store_path('output:out', sha256_hex("key of $_"), $_) } 'thing', 'other';
		put(signed('other', file($a), $a));
		put(signed('thing', file($b), $b));
	}],
	['self-reference-unsaid', 'which was not declared', sub {
		put(signed('thing', file(store_path('output:out', sha256_hex('key of thing'), 'thing'))));
	}],
	['self-reference-untrue', 'does not mention it', sub {
		my $self = store_path('output:out', sha256_hex('key of thing'), 'thing');
		put(signed('thing', file('x'), $self));
	}],

	# Realisations.
	['mapping-unsigned', 'neither content-addressed nor signed', sub {
		my $t = object('thing', file('x'));
		put($t);
		put({%{mapping('thing', $t->{path})}, key => undef});
	}],
	['mapping-of-stranger', 'of a trusted key', sub {
		my $t = object('thing', file('x'));
		put($t);
		put({%{mapping('thing', $t->{path})}, key => 'stranger'});
	}],
	['mapping-with-two-references', 'does not mention it', sub {
		my ($t, $l) = (object('thing', file('x')), $leaf->());
		put($_) for $t, $l;
		put(signed('thing', lnk($t->{path}), $t->{path}, $l->{path}));
	}],
	['mapping-elsewhere', 'does not mention it', sub {
		my ($t, $l) = (object('thing', file('x')), $leaf->());
		put($_) for $t, $l;
		put(signed('thing', lnk($l->{path}), $t->{path}));
	}],
	['mapping-to-unsigned', 'no cache has .*, needed by', sub {
		my $t = signed('thing', file('x'));
		$t->{path} = store_path('output:out', sha256_hex('another'), 'thing');
		put({%$t, key => undef});
		put(mapping('thing', $t->{path}));
	}],
	['mapping-to-signed', 'is not content-addressed', sub {
		my $t = signed('thing', file('x'));
		$t->{path} = store_path('output:out', sha256_hex('another'), 'thing');
		put($t);
		put(mapping('thing', $t->{path}));
	}],
	['mapping-to-nothing', 'no cache has', sub { put(mapping('thing', $absent =~ s/absent/thing/r)) }],

	# Archives.
	['nar-truncated', 'ends too early', sub {
		my $o = object('thing', file("hello\n"));
		put({%$o, file => substr($o->{nar}, 0, -8)});
	}],
	['nar-trailing', 'bytes behind the end', sub {
		my $o = object('thing', file("hello\n"));
		$o->{nar} .= "\0" x 8;
		put($o);
	}],
	['nar-garbage', 'cannot restore', bad_nar("\xff" x 4096)],
	['nar-empty', 'ends too early', lie(file => '')],
	['nar-dot-dot', 'illegal name', bad_nar(directory('..' => file('x')))],
	['nar-dot', 'illegal name', bad_nar(directory('.' => file('x')))],
	['nar-no-name', 'illegal name', bad_nar(directory('' => file('x')))],
	['nar-way-up', 'illegal name', bad_nar(directory('../../../up' => file('x')))],
	['nar-absolute', 'illegal name', bad_nar(directory('/tmp/kbuild-was-here' => file('x')))],
	['nar-slash', 'illegal name', bad_nar(directory('a/b' => file('x')))],
	['nar-nul-name', 'NUL byte', bad_nar(directory("a\0b" => file('x')))],
	['nar-twice', 'not sorted', bad_nar(directory(a => file('x'), a => file('y')))],
	['nar-unsorted', 'not sorted', bad_nar(directory(b => file('x'), a => file('y')))],
	['nar-case', 'not sorted', bad_nar(directory(foo => file('x'), Foo => file('y')))],
	['nar-through-link', 'not sorted', bad_nar(directory(a => lnk('/tmp'), a => directory('kbuild-was-here' => file('x'))))],
	['nar-deep', 'nested too deeply', bad_nar(\&deep)],
	['nar-long-name', 'a name of the archive is too long', bad_nar(directory('x' x 300 => file('x')))],
	['nar-long-target', 'target of a link of the archive is too long', bad_nar(lnk('x' x 5000))],
	['nar-empty-target', 'is empty', bad_nar(lnk(''))],
	['nar-huge-file', 'longer than its declared size', bad_nar(node('regular', 'contents') . pack('Q<', 1 << 62) . 'x' x 64)],
	['nar-huge-name', 'too long', bad_nar(node('directory', 'entry', '(', 'name') . pack('Q<', ~0))],
	['nar-device', 'expected .regular', bad_nar(node('fifo', ')'))],
	['nar-executable-no', 'expected ..', bad_nar(node('regular', 'executable', 'no', 'contents', 'x', ')'))],
	['nar-padding', 'padding', bad_nar(node('regular', 'contents') . pack('Q<', 1) . 'x1234567' . str(')'))],
	['nar-is-html', 'cannot restore', bad_nar('<html><body>404 not found</body></html>' x 10)],

	# Where the archive is.
	(map { ["url-$_->[0]", 'expected a URL relative to the cache', line(URL => $_->[1])] }
		['up', '../secret.nar'], ['up-later', 'nar/../../secret.nar'], ['absolute', '/etc/passwd'],
		['file', 'file:///etc/passwd'], ['other-host', 'http://127.0.0.1:1/x.nar'],
		['no-scheme', '//127.0.0.1/x.nar'], ['escaped', 'nar/%2e%2e/%2e%2e/secret.nar'],
		['escaped-slash', 'nar/..%2f..%2fsecret.nar'], ['backslash', '..\\secret.nar'],
		['blank', 'nar/x y.nar'], ['fragment', 'nar/x#y'], ['query-only', '?x'], ['empty', '']),
	['url-cr-lf', 'control character', line(URL => "nar/x.nar\r\nHost: evil")],
	['url-missing', 'no line URL', line(URL => undef)],
	['url-nothing-there', 'status 404|No such file|Couldn.t open', line(URL => 'nar/nothing.nar')],

	# The narinfo itself.
	['narinfo-of-another', 'the answer is about', sub { put({%{$leaf->()}, at => $absent}); return $absent }],
	['narinfo-huge', 'more than the 1048576 bytes', lie(more => "X: " . 'x' x (2 << 20) . "\n")],
	['narinfo-nul', 'control character', lie(more => "X: a\0b\n")],
	['narinfo-crlf', 'control character', lie(change => sub { $_[0] =~ s/\n/\r\n/gr })],
	['narinfo-no-line-feed', 'line feed at its end', lie(change => sub { $_[0] =~ s/\n\z//r })],
	['narinfo-blank-line', 'expected .Key: value', lie(more => "\n")],
	['narinfo-empty', 'no line StorePath', lie(text => '')],
	['narinfo-html', 'expected .Key: value|control', lie(text => "<html>\n<h1>It works!</h1>\n</html>\n")],
	['narinfo-gzip', 'control character|line feed', sub { put({%{object('thing', file('x'))}, text => compressed('StorePath: x', 'gzip')}) }],
	['narinfo-no-path', 'no line StorePath', line(StorePath => undef)],
	['narinfo-two-paths', 'second line StorePath', lie(more => "StorePath: $absent\n")],
	['narinfo-no-hash', 'no line NarHash', line(NarHash => undef)],
	['narinfo-md5', 'expected a SHA-256', line(NarHash => 'md5:d41d8cd98f00b204e9800998ecf8427e')],
	(map { ["nar-size-$_->[0]", $_->[2], line(NarSize => $_->[1])] }
		['none', undef, 'no line NarSize'], ['zero', 0, 'is zero'], ['negative', -1, 'expected a size'],
		['overflow', '18446744073709551616', 'expected a size'], ['beyond', '9223372036854775808', 'expected a size'],
		['float', '1e3', 'expected a size'], ['hex', '0x78', 'expected a size'],
		['less', 119, 'longer than its declared size'], ['more', 121, 'shorter than its declared size'],
		['pebibyte', 1 << 50, 'do not fit']),

	# Compression.
	['compression-wrong', 'not compressed as zstd|read as zstd', sub {
		my $o = object('thing', file("hello\n" x 1000));
		put({%$o, file => compressed($o->{nar}, 'xz'), compression => 'zstd'});
	}],
	['compression-missing', 'cannot restore', sub {
		my $o = object('thing', file("hello\n" x 1000));
		put({%$o, file => compressed($o->{nar}, 'xz'), set => {Compression => 'none'}});
	}],
	['compression-left-out', 'not compressed as bzip2|read as bzip2', line(Compression => undef)],
	['compression-unknown', 'compression .rot13. is not known', line(Compression => 'rot13')],
	['compression-path', 'expected the name of a compression', line(Compression => '../x')],
	['compression-nested', 'more than once', sub {
		my $o = object('thing', file("hello\n" x 1000));
		put({%$o, file => compressed(compressed($o->{nar}, 'zstd'), 'zstd'), compression => 'zstd'});
	}],
	['compression-cut', 'read as zstd|ends too early', sub {
		my $o = object('thing', file(join '', map { sha256_hex($_) } 1 .. 4000));
		my $f = compressed($o->{nar}, 'zstd');
		put({%$o, file => substr($f, 0, length($f) / 2), compression => 'zstd'});
	}],
	(map { my $how = $_; ["bomb-$how", 'longer than its declared size|larger than|bytes for an archive', sub { bomb($how) }] } 'zstd', 'xz', 'gzip'),
	['bomb-nested', 'more than once', sub {
		my $o = object('thing', file('x'));
		put({%$o, file => compressed(`head -c 1073741824 /dev/zero | zstd -q -c | zstd -q -c`, 'zstd'), compression => 'zstd'});
	}],
	['window-xz', 'read as xz', \&wide_xz],
	['window-zstd', 'read as zstd', sub {
		my $o = object('thing', file("hello\n"));
		spew("$keys/in", $o->{nar});
		put({%$o, file => scalar `zstd -q --ultra --long=31 -c <$keys/in`, compression => 'zstd'});
	}],
	['file-hash-wrong', 'hash mismatch', line(FileHash => 'sha256:' . nix32(sha256('x')))],
	['file-size-less', 'more than the 1 bytes', line(FileSize => 1)],
	['file-size-more', 'expected 121', line(FileSize => 121)],
	['file-size-absurd', 'bytes for an archive', line(FileSize => 1 << 40)],

	# The cache.
	['cache-of-another-store', 'is for paths below /gnu/store', sub {
		spew("$dir/nix-cache-info", "StoreDir: /gnu/store\n");
		lie()->();
	}],
	['cache-info-html', 'expected lines', sub {
		spew("$dir/nix-cache-info", "<html>\nIt works!\n</html>\n");
		lie()->();
	}],
	['cache-info-huge', 'more than the 65536 bytes', sub {
		spew("$dir/nix-cache-info", "StoreDir: /nix/store\n" . "X: y\n" x 20000);
		lie()->();
	}],
	['cache-info-priority', 'is no priority', sub {
		spew("$dir/nix-cache-info", "StoreDir: /nix/store\nPriority: -5\n");
		lie()->();
	}],
	['fifo-narinfo', 'is no file', sub { run('mkfifo', "$dir/" . substr(base($absent), 0, 32) . '.narinfo'); $absent }],
	['fifo-nar', 'is no file', sub { run('mkfifo', "$dir/fifo"); line(URL => 'fifo')->() }],
	['no-directory', 'is no directory', sub { rmdir $dir; $absent }],
);

# Every malformed archive that the vectors know, told truly.
sub vectors {
	my $v = decode_json(slurp($0 =~ s{[^/]*\z}{vectors/store.json}r));
	return map {
		my $nar = decode_base64($_->{nar_base64});
		my %o = (nar => $nar, hash => sha256($nar), size => length $nar, refs => []);
		$o{path} = store_path('source', sha256_hex($nar), 'thing');
		$o{ca} = 'fixed:r:sha256:' . nix32($o{hash});
		["vector-$_->{case}", $_->{kbuild_expected} eq 'accept' ? 'OK' : 'archive|restore|link', sub { put(\%o) }];
	} grep { length $_->{nar_base64} } @{$v->{nar_malformed}};
}

my ($verb, @args) = @ARGV;
if ($verb eq 'keys') {
	($keys) = @args;
	make_keys();
} elsif ($verb eq 'list') {
	print "$_->[0]\n" for @cases, vectors();
} elsif ($verb eq 'make') {
	($keys, $dir, my $name) = @args;
	my ($case) = grep { $_->[0] eq $name } @cases, vectors();
	mkdir $dir or die "$dir: $!";
	print $case->[2]->() . "\t$case->[1]\n";
} else {
	die "cache.pl: $verb?";
}
