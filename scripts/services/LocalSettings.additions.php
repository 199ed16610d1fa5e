<?php
// Filled in by services/mediawiki.sh and required at the end of the installer's LocalSettings.php.
// What a test wiki needs beyond a fresh installation: loopback addresses, big uploads, no limits, nothing in the background.

$wgServer = '@URL@';
$wgScriptPath = '/w';
$wgArticlePath = '/wiki/$1';

$wgEnableUploads = true;
$wgMaxUploadSize = 100 * 1024 * 1024;
$wgUploadDirectory = '@HOME@/images';
$wgUploadPath = '/w/images';
$wgUseImageMagick = true;
$wgMaxShellMemory = 0;

// Sessions in the database: the in-memory cache is lost whenever php-fpm is started again.
$wgMainCacheType = CACHE_ACCEL;
$wgSessionCacheType = CACHE_DB;
$wgParserCacheType = CACHE_DB;
$wgCacheDirectory = '@HOME@/cache';

// A page of 5 MB can be saved, in one piece.
$wgMaxArticleSize = 8 * 1024;
$wgAPIMaxUncachedDiffs = 50;

$wgRateLimits = [];
$wgPasswordAttemptThrottle = [];
$wgAccountCreationThrottle = [];

// Jobs run only when a test runs them.
$wgJobRunRate = 0;
$wgEnableEmail = false;
$wgPingback = false;

// The proxy under test stands on loopback: its X-Forwarded-For is believed.
$wgCdnServersNoPurge = [ '127.0.0.1' ];
$wgShowExceptionDetails = false;
