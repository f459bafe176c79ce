#!/usr/bin/env perl
# A client in Perl of which nothing is written by hand but its use: OpenAPI::Client
# makes a method of every operation of the document that the controller serves,
# and holds requests and answers to it. Run by generated_test.ts.
#
#   generated_client.pl URL CA_FILE USER PASSWORD
use strict;
use warnings;
use feature 'say';
use Mojo::JSON qw(decode_json encode_json);
use Mojo::UserAgent;
use OpenAPI::Client;

my ($url, $ca, $user, $password) = @ARGV;

my $fetched = Mojo::UserAgent->new(ca => $ca)
  ->get("$url/v1/openapi.json?version=3.0")->result;
my $usher = OpenAPI::Client->new(decode_json($fetched->body));
$usher->base_url(Mojo::URL->new($url));
$usher->ua->ca($ca);

my $token;
$usher->ua->on(start => sub {
  my ($ua, $tx) = @_;
  $tx->req->headers->authorization("Bearer $token") if defined $token;
});

# Whether an operation went well, and its answer, or the problem: the
# controller's, or what the generated client found to be against the document.
sub ask {
  my ($operation, $parameters, $body) = @_;
  my $tx = $usher->call($operation => $parameters // {},
    defined $body ? (json => $body) : ());
  return (($tx->res->code // 0) == 200, $tx->res->json);
}

sub answer {
  my ($ok, $json) = ask(@_);
  die encode_json($json) . "\n" unless $ok;
  return $json;
}

sub problem {
  my ($ok, $json) = ask(@_);
  die "was not refused\n" if $ok;
  return $json;
}

$token = answer(login => {}, {user => $user, password => $password})->{token};
my $whoami = answer('whoami');
my $result = answer(submit => {},
  {verb => 'start', names => ['perl'], count => 2, id => 'perl-request'});
for (1 .. 600) {
  last if $result->{done};
  select undef, undef, undef, 0.1;
  $result = answer(request => {id => $result->{request}});
}
my $vms = answer(vms => {filter => 'state=running'})->{vms};
my $nobody = problem(vm => {name => 'nobody'});
my $misspelt = problem(submit => {}, {verb => 'strat', names => ['perl']});
answer(submit => {}, {verb => 'destroy', names => ['perl-*']});

say encode_json({
  whoami => $whoami->{user},
  outcomes => [map { $_->{state} } @{$result->{outcomes}}],
  vms => [sort map { $_->{name} } @$vms],
  nobody => $nobody->{code},
  misspelt => $misspelt,
});
