# The ENT of the lab: LemonLDAP::NG's portal with the people of the lab's collège, one whom
# only a delivery of its directory knows, and one of another school. Everybody's
# password here is their login. Everything is fictitious.
use strict;
use warnings;

use Lemonldap::NG::Portal::Main;
use Lemonldap::NG::Portal::UserDB::Demo;

my %people = (
    'alix.exemple'     => [ 'Alix Exemple',     'e-0001' ],
    'camille.exemple'  => [ 'Camille Exemple',  'e-0002' ],
    'dominique.modele' => [ 'Dominique Modele', 'p-0001' ],
    'sasha.livraison'  => [ 'Sasha Livraison',  'e-0101' ],
    'dehors.exemple'   => [ 'Dehors Exemple',   'x-9999' ],
);
%Lemonldap::NG::Portal::UserDB::Demo::demoAccounts = map {
    $_ => { uid => $_, cn => $people{$_}[0], mail => "$_\@ent.exemple.fr", jointure => $people{$_}[1] }
} keys %people;
%Lemonldap::NG::Portal::UserDB::Demo::demoGroups = ();

# The portal loads a module of captchas whether it shows any or not; this one needs no library of pictures.
{
    package Lemonldap::NG::Portal::Captcha::None;
    use Mouse;
    extends 'Lemonldap::NG::Common::Module';
    sub init { 1 }
    $INC{'Lemonldap/NG/Portal/Captcha/None.pm'} = __FILE__;
}

my $portal = Lemonldap::NG::Portal::Main->run( {} );
sub {
    my $env = shift;
    $env->{SCRIPT_NAME} = '';
    return $portal->($env);
};
