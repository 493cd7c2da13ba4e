<?php
// A second application with phpCAS, which takes people from others on the way.
require_once 'CAS.php';
header('Content-Type: text/plain');
phpCAS::client(CAS_VERSION_3_0, 'portail.college.exemple', 443, '/cas', 'https://notes.college.exemple');
phpCAS::setCasServerCACert('/run/preau-lab/authority/authority.pem');
phpCAS::handleLogoutRequests(false);
phpCAS::allowProxyChain(new CAS_ProxyChain(['https://php.college.exemple/index.php']));
phpCAS::forceAuthentication();
echo 'notes:', phpCAS::getUser(), ' par ', implode(' ', phpCAS::getProxies()), "\n";
