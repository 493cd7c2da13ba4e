<?php
// What mod_auth_cas tells the page behind it.
header('Content-Type: text/plain');
echo 'apache:', $_SERVER['REMOTE_USER'], "\n";
foreach (getallheaders() as $name => $value) {
    if (stripos($name, 'CAS') === 0) {
        echo "$name=$value\n";
    }
}
