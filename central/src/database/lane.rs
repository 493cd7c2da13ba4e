//! A bounded number of connections, lent and given back.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::unreachable::{TURN_WAIT_MAX, Unreachable};

/// Places for connections, and those that are free.
#[derive(Debug)]
pub(super) struct Lane<C> {
    free: Arc<Mutex<Vec<C>>>,
    places: Arc<Semaphore>,
}

/// A place in the lane, until it is dropped.
#[derive(Debug)]
pub(super) struct Place<C> {
    free: Arc<Mutex<Vec<C>>>,
    _permit: OwnedSemaphorePermit,
}

impl<C> Lane<C> {
    pub(super) fn new(places: usize) -> Self {
        Self { free: Arc::default(), places: Arc::new(Semaphore::new(places)) }
    }

    /// Waits for a place, in the order of coming.
    pub(super) async fn enter(&self) -> Result<Place<C>, Unreachable> {
        let permit = timeout(TURN_WAIT_MAX, Arc::clone(&self.places).acquire_owned()).await;
        match permit {
            Ok(Ok(permit)) => Ok(Place { free: Arc::clone(&self.free), _permit: permit }),
            // Places are never closed; only the wait ends.
            Ok(Err(_)) | Err(_) => Err(Unreachable::BUSY),
        }
    }
}

impl<C> Place<C> {
    /// A connection that somebody gave back.
    pub(super) fn take(&self) -> Option<C> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Gives a connection back that is fit for the next act.
    pub(super) fn give_back(&self, connection: C) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }

    /// Closes what is free: where one connection was found broken, those that lay beside it are too.
    pub(super) fn close_free(&self) {
        drop(mem::take(&mut *self.free.lock().unwrap_or_else(PoisonError::into_inner)));
    }
}
