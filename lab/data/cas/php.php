<?php
// An application that uses phpCAS: who came, by the way asked for; and, in their name, what another application says.
require_once 'CAS.php';
header('Content-Type: text/plain');
$way = $_GET['voie'] ?? '';
$base = 'https://php.college.exemple';
// The box brings the proxy-granting ticket to this page's address, without what came after it.
if ($way === 'relais' || isset($_GET['pgtId'])) {
    phpCAS::proxy(CAS_VERSION_3_0, 'portail.college.exemple', 443, '/cas', $base);
} else {
    phpCAS::client(CAS_VERSION_3_0, 'portail.college.exemple', 443, '/cas', $base);
}
phpCAS::setCasServerCACert('/run/preau-lab/authority/authority.pem');
phpCAS::handleLogoutRequests(false);
if ($way === 'passerelle' && !phpCAS::checkAuthentication()) {
    echo "php:personne\n";
    exit;
}
if ($way === 'encore') {
    phpCAS::renewAuthentication();
} elseif ($way !== 'passerelle') {
    phpCAS::forceAuthentication();
}
echo 'php:', phpCAS::getUser(), "\n", json_encode(phpCAS::getAttributes(), JSON_UNESCAPED_UNICODE), "\n";
if ($way === 'relais') {
    $said = '';
    $worked = phpCAS::serviceWeb('https://notes.college.exemple/index.php', $error, $said);
    echo $worked ? "notes dit $said" : "notes refuse $error $said";
}
